/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-reload-options.h"

#include <glib/gi18n.h>
#include <json-glib/json-glib.h>

#include "collet-rows.h"

/* What a strategy can have beside it. */
typedef enum
{
  TAKES_CANARY = 1 << 0,
  TAKES_TRIAL = 1 << 1,
  TAKES_WAVES = 1 << 2,
} Takes;

typedef struct
{
  const char *strategy; /* of ClusterReload(), or a method of a node of its own */
  const char *title, *promise;
  Takes takes;
} Strategy;

/* With other nodes all of them, and the first is what is meant; alone the last two. */
static const Strategy strategies[] = {
  { "sync_all", N_ ("All nodes at once"), N_ ("Every node of the cluster, or none."), 0 },
  { "quorum", N_ ("More than half"), N_ ("Counts when more than half have it; the others follow."), 0 },
  { "rolling", N_ ("Wave by wave"), N_ ("Some nodes first; it stops where errors rise."), TAKES_WAVES },
  { "local", N_ ("This node"), N_ ("State is taken along; if anything fails, the old version goes on."),
    TAKES_CANARY | TAKES_TRIAL },
  { "prepare", N_ ("Prepare, commit by hand"),
    N_ ("The new version is started and can be called for trial; it serves when you commit."), TAKES_TRIAL },
};
#define FIRST_ALONE 3

struct _ColletReloadOptions
{
  AdwBin parent_instance;
  AdwPreferencesGroup *how;
  GtkWidget *strategy, *reason, *breaking_row, *breaking, *discard_row, *discard;
  GtkWidget *more, *canary_row, *canary, *trial_row, *trial, *waves, *bake_row, *bake, *smoke;
  guint first; /* of the strategies that are offered */
  gboolean is_new, is_stateful, is_breaking;
};

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (ColletReloadOptions, collet_reload_options, ADW_TYPE_BIN)

static const Strategy *
get_strategy (ColletReloadOptions *self)
{
  guint selected = self->first + adw_combo_row_get_selected (ADW_COMBO_ROW (self->strategy));

  return selected < G_N_ELEMENTS (strategies) ? &strategies[selected] : &strategies[self->first];
}

/* What there is to be careful with, for what was chosen. */
static void
show_care (ColletReloadOptions *self)
{
  const struct
  {
    GtkWidget *row;
    const char *name;
  } parts[] = {
    { self->canary_row, _ ("Canary") },
    { self->trial_row, _ ("Trial") },
    { self->waves, _ ("Waves") },
    { self->smoke, _ ("Smoke tests") },
  };
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    if (gtk_widget_get_visible (parts[i].row))
      g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", parts[i].name);
  adw_expander_row_set_subtitle (ADW_EXPANDER_ROW (self->more), text->str);
}

static void
update (ColletReloadOptions *self)
{
  const Strategy *strategy = get_strategy (self);
  /* A canary is for modules without state only; what is new has no old version to go back to. */
  Takes takes = self->is_new ? 0 : strategy->takes;

  gboolean is_asked = !self->is_new || self->first < FIRST_ALONE;

  gboolean is_own = self->first < FIRST_ALONE && g_str_equal (strategy->strategy, "local");
  g_autofree char *promise = g_strdup_printf (
      "%s%s%s", _ (strategy->promise), is_own ? " " : "",
      is_own ? _ ("The version is then this node’s own, until the cluster agrees on one anew.") : "");

  adw_preferences_group_set_description (self->how, is_asked ? promise : NULL);
  gtk_widget_set_visible (self->strategy, is_asked);
  gtk_widget_set_visible (self->breaking_row, self->is_breaking);
  gtk_widget_set_visible (self->discard_row, self->is_stateful);
  gtk_widget_set_visible (self->canary_row, (takes & TAKES_CANARY) != 0 && !self->is_stateful);
  gtk_widget_set_visible (self->trial_row, (takes & TAKES_TRIAL) != 0);
  gtk_widget_set_visible (self->waves, (takes & TAKES_WAVES) != 0);
  gtk_widget_set_visible (self->bake_row, (takes & TAKES_WAVES) != 0);
  show_care (self);
  gtk_widget_remove_css_class (self->smoke, "error");
  g_signal_emit (self, signals[CHANGED], 0);
}

void
collet_reload_options_setup (ColletReloadOptions *self, ColletService *service)
{
  guint first = collet_service_has_peers (service) ? 0 : FIRST_ALONE;
  g_autoptr (GtkStringList) list = gtk_string_list_new (NULL);

  if (first == self->first && adw_combo_row_get_model (ADW_COMBO_ROW (self->strategy)) != NULL)
    return;
  self->first = first;
  for (guint i = self->first; i < G_N_ELEMENTS (strategies); i++)
    gtk_string_list_append (list, _ (strategies[i].title));
  adw_combo_row_set_model (ADW_COMBO_ROW (self->strategy), G_LIST_MODEL (list));
  update (self);
}

void
collet_reload_options_set_facts (ColletReloadOptions *self, ColletItem *facts, ColletItem *running)
{
  self->is_new = running == NULL;
  self->is_stateful = running != NULL && collet_item_get_bool (running, "Stateful");
  self->is_breaking = g_str_equal (collet_item_get_string (facts, "verdict"), "breaking");
  update (self);
}

static gboolean
is_list (const char *text)
{
  g_autoptr (JsonNode) node = json_from_string (text, NULL);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node);
}

const char *
collet_reload_options_get_problem (ColletReloadOptions *self)
{
  const char *smoke = gtk_editable_get_text (GTK_EDITABLE (self->smoke));

  if (self->is_breaking && !gtk_switch_get_active (GTK_SWITCH (self->breaking)))
    return _ ("A breaking change has to be accepted below");
  if (*smoke == '\0' || is_list (smoke))
    return NULL;
  gtk_widget_add_css_class (self->smoke, "error");
  return _ ("The smoke tests are no JSON array");
}

/* ---- the call ---- */

static void
add_number (GVariantBuilder *options, const char *name, GtkWidget *row, GtkWidget *spin, guint factor)
{
  guint value = (guint)gtk_spin_button_get_value_as_int (GTK_SPIN_BUTTON (spin));

  if (gtk_widget_get_visible (row) && value > 0)
    g_variant_builder_add (options, "{sv}", name, g_variant_new_uint32 (value * factor));
}

static void
add_switch (GVariantBuilder *options, const char *name, GtkWidget *row, GtkWidget *control)
{
  if (gtk_widget_get_visible (row) && gtk_switch_get_active (GTK_SWITCH (control)))
    g_variant_builder_add (options, "{sv}", name, g_variant_new_boolean (TRUE));
}

static void
add_text (GVariantBuilder *options, const char *name, GtkWidget *row)
{
  const char *text = gtk_editable_get_text (GTK_EDITABLE (row));

  if (*text != '\0')
    g_variant_builder_add (options, "{sv}", name, g_variant_new_string (text));
}

/* Each word is a wave. */
static void
add_waves (ColletReloadOptions *self, GVariantBuilder *options)
{
  g_auto (GStrv) words = g_strsplit (gtk_editable_get_text (GTK_EDITABLE (self->waves)), " ", -1);
  GVariantBuilder waves;

  if (!gtk_widget_get_visible (self->waves))
    return;
  g_variant_builder_init (&waves, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; words[i] != NULL; i++)
    if (*words[i] != '\0')
      g_variant_builder_add (&waves, "s", words[i]);
  g_variant_builder_add (options, "{sv}", "waves", g_variant_builder_end (&waves));
}

static GVariant *
make_options (ColletReloadOptions *self, const char *artifact)
{
  GVariantBuilder options;

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  if (artifact != NULL)
    g_variant_builder_add (&options, "{sv}", "artifact", g_variant_new_string (artifact));
  add_text (&options, "reason", self->reason);
  add_text (&options, "smoke-tests", self->smoke);
  add_switch (&options, "allow-breaking", self->breaking_row, self->breaking);
  add_switch (&options, "discard-state", self->discard_row, self->discard);
  add_number (&options, "canary-percent", self->canary_row, self->canary, 1);
  add_number (&options, "trial-ms", self->trial_row, self->trial, 1000);
  add_number (&options, "bake-s", self->bake_row, self->bake, 1);
  add_waves (self, &options);
  return g_variant_builder_end (&options);
}

const char *
collet_reload_options_make_call (ColletReloadOptions *self, const char *name, const char *path,
                                 GVariant **arguments)
{
  const char *strategy = get_strategy (self)->strategy;
  gboolean is_local = g_str_equal (strategy, "local"), is_prepare = g_str_equal (strategy, "prepare");
  /* What is new has no name there yet. */
  const char *module = self->is_new ? path : name;
  GVariant *options = make_options (self, self->is_new ? NULL : path);

  *arguments = is_local || is_prepare ? g_variant_new ("(s@a{sv})", module, options)
                                      : g_variant_new ("(ss@a{sv})", module, strategy, options);
  return is_prepare ? "PrepareReload" : !is_local ? "ClusterReload" : self->is_new ? "SafeLoad" : "HotReload";
}

/* ---- life ---- */

static void
collet_reload_options_class_init (ColletReloadOptionsClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  signals[CHANGED] = g_signal_new ("changed", COLLET_TYPE_RELOAD_OPTIONS, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/collet/Collet/collet-reload-options.ui");
  gtk_widget_class_bind_template_child (widget_class, ColletReloadOptions, how);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadOptions, strategy);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadOptions, reason);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadOptions, breaking_row);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadOptions, breaking);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadOptions, discard_row);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadOptions, discard);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadOptions, more);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadOptions, canary_row);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadOptions, canary);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadOptions, trial_row);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadOptions, trial);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadOptions, waves);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadOptions, bake_row);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadOptions, bake);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadOptions, smoke);
  gtk_widget_class_bind_template_callback (widget_class, update);
}

static void
collet_reload_options_init (ColletReloadOptions *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  collet_widget_name_parts (GTK_WIDGET (self));
}
