/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-reload-page.h"

#include <glib/gi18n.h>

#include "collet-error-remedy.h"
#include "collet-error.h"
#include "collet-rows.h"
#include "collet-status.h"
#include "collet-text.h"
#include "collet-window.h"

enum
{
  FACT_ID,
  FACT_KIND,
  FACT_STRATEGY,
  FACT_INITIATOR,
  FACT_REASON,
  FACT_NOTE,
  FACT_STARTED,
  FACT_DURATION,
  FACT_PAUSE,
  FACT_EXPIRES,
  FACT_TRIAL_ENDS,
  FACT_REVERTS,
  N_FACTS
};

static const char *const fact_names[N_FACTS] = {
  N_ ("Id"),           N_ ("Kind"),        N_ ("Strategy"),      N_ ("Asked for by"),
  N_ ("Reason"),       N_ ("Note"),        N_ ("Started"),       N_ ("Duration"),
  N_ ("Calls paused"), N_ ("Given up at"), N_ ("Trial ends at"), N_ ("Takes back"),
};

static const char *const phases[] = { "preflight", "prepare", "commit", "drain", "done" };

/* What is shown in the place of another one while it lasts. */
static const struct
{
  const char *phase;
  guint place;
} between[] = { { "prepared", 1 }, { "canary", 1 }, { "trial", 3 } };

struct _ColletReloadPage
{
  ColletDetailPage parent_instance;
  ColletStatus *status;
  GtkFlowBox *phases;
  GtkWidget *progress, *buttons, *cancel, *commit, *abort, *confirm, *promote, *pause, *resume, *revert,
      *note;
  AdwPreferencesGroup *error, *nodes, *items, *facts;
  GtkWidget *phase_marks[G_N_ELEMENTS (phases)];
  GVariant *shown_nodes, *shown_items; /* rows that are made of them need not be made again */
  GtkWidget *done;                     /* the nodes that are, as one row; may be NULL */
  gboolean is_asked;                   /* for the record, of the present key */
};

G_DEFINE_FINAL_TYPE (ColletReloadPage, collet_reload_page, COLLET_TYPE_DETAIL_PAGE)

/* ---- parts ---- */

/* Whether it is another than was shown, which it then is: rows that are made again lose the focus,
 * and close. */
static gboolean
is_other (ColletItem *item, const char *name, GVariant **shown)
{
  g_autoptr (GVariant) values = item != NULL ? collet_item_ref_values (item) : NULL;
  g_autoptr (GVariant) value = values != NULL ? g_variant_lookup_value (values, name, NULL) : NULL;

  if (value == *shown || (value != NULL && *shown != NULL && g_variant_equal (value, *shown)))
    return FALSE;
  g_clear_pointer (shown, g_variant_unref);
  *shown = g_steal_pointer (&value);
  return TRUE;
}

static guint
find_phase (const char *phase)
{
  for (guint i = 0; i < G_N_ELEMENTS (between); i++)
    if (g_str_equal (between[i].phase, phase))
      return between[i].place;
  for (guint i = 0; i < G_N_ELEMENTS (phases); i++)
    if (g_str_equal (phases[i], phase))
      return i;
  return 0;
}

static const char *
get_phase_word (ColletItem *item)
{
  const char *phase = collet_item_get_string (item, "Phase");

  return g_str_equal (phase, "prepared") && collet_text_is_agreed (item)
             ? _ ("Prepared, waits for the other nodes")
             : collet_text_of (COLLET_WORD_PHASE, phase);
}

static void
show_phases (ColletReloadPage *self, ColletItem *item)
{
  const char *phase = collet_item_get_string (item, "Phase");
  const char *state = collet_item_get_string (item, "State");
  gboolean is_running = g_str_equal (state, "running");
  guint now = g_str_equal (state, "succeeded") ? G_N_ELEMENTS (phases) : find_phase (phase);

  for (guint i = 0; i < G_N_ELEMENTS (phases); i++)
    {
      ColletStatusKind kind = i < now      ? COLLET_STATUS_OK
                              : i > now    ? COLLET_STATUS_ABSENT
                              : is_running ? COLLET_STATUS_BUSY
                                           : collet_text_status_of (COLLET_WORD_RELOAD_STATE, state);
      const char *word =
          i == now && is_running ? get_phase_word (item) : collet_text_of (COLLET_WORD_PHASE, phases[i]);
      collet_status_set (COLLET_STATUS (self->phase_marks[i]), kind, word);
    }
}

/* name: empty if nothing went wrong. */
static void
show_error (ColletReloadPage *self, const char *name, const char *message)
{
  ColletError code;

  collet_group_clear (self->error);
  gtk_widget_set_visible (GTK_WIDGET (self->error), *name != '\0');
  if (*name == '\0')
    return;
  g_autofree char *text =
      collet_text_dup_advice (message,
                              collet_error_from_name (name, &code) ? _ (collet_error_remedy (code)) : "");
  collet_group_add (self->error, collet_row_new_problem (name, text));
}

static GtkWidget *
make_node_row (ColletItem *node)
{
  const char *state = collet_item_get_string (node, "state"), *phase = collet_item_get_string (node, "phase");
  const char *message = collet_item_get_string (node, "error-message");
  const char *text = *message != '\0' ? message : collet_text_of (COLLET_WORD_PHASE, phase);
  GtkWidget *row = collet_row_new (collet_item_get_string (node, "node"), text);

  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 0);
  collet_row_add_status (row, collet_text_status_of (COLLET_WORD_RELOAD_STATE, state),
                         collet_text_of (COLLET_WORD_RELOAD_STATE, state));
  return row;
}

/* Failed, running, waiting; what is done is one line, if there are many. */
static int
rank_node (ColletItem *node)
{
  const char *state = collet_item_get_string (node, "state");

  return g_str_equal (state, "failed") || g_str_equal (state, "refused") ? 0
         : g_str_equal (state, "prepared")                               ? 1
         : g_str_equal (state, "applied")                                ? 3
                                                                         : 2;
}

static int
compare_nodes (gconstpointer a, gconstpointer b)
{
  return rank_node (*(ColletItem *const *)a) - rank_node (*(ColletItem *const *)b);
}

static void
show_nodes (ColletReloadPage *self, ColletItem *item)
{
  g_autoptr (GPtrArray) nodes = collet_item_dup_rows (item, "Nodes");
  gboolean is_open = self->done != NULL && adw_expander_row_get_expanded (ADW_EXPANDER_ROW (self->done));
  GtkWidget *done = NULL;
  guint n_done = 0;

  if (!is_other (item, "Nodes", &self->shown_nodes))
    return;
  self->done = NULL;
  collet_group_clear (self->nodes);
  gtk_widget_set_visible (GTK_WIDGET (self->nodes), nodes->len > 0);
  g_ptr_array_sort (nodes, compare_nodes);
  for (guint i = 0; i < nodes->len; i++)
    {
      GtkWidget *row = make_node_row (nodes->pdata[i]);

      if (nodes->len <= 8 || rank_node (nodes->pdata[i]) != 3)
        {
          collet_group_add (self->nodes, row);
          continue;
        }
      if (done == NULL)
        done = g_object_new (ADW_TYPE_EXPANDER_ROW, "title", _ ("Done"), NULL);
      adw_expander_row_add_row (ADW_EXPANDER_ROW (done), row);
      n_done++;
    }
  if (done == NULL)
    return;
  g_autofree char *text = g_strdup_printf (ngettext ("%u node", "%u nodes", n_done), n_done);
  adw_expander_row_set_subtitle (ADW_EXPANDER_ROW (done), text);
  adw_expander_row_set_expanded (ADW_EXPANDER_ROW (done), is_open);
  self->done = done;
  collet_widget_name_parts (done);
  collet_group_add (self->nodes, done);
}

/* What clients see of the change, below the module. */
static GtkWidget *
make_differences_row (GStrv lines)
{
  guint n = g_strv_length (lines);
  g_autofree char *text = g_strdup_printf (ngettext ("%u difference", "%u differences", n), n);
  GtkWidget *row = g_object_new (ADW_TYPE_EXPANDER_ROW, "use-markup", FALSE, "title",
                                 _ ("What Clients See of It"), "subtitle", text, NULL);

  for (guint i = 0; i < n; i++)
    {
      GtkWidget *line = collet_row_new (lines[i], NULL);

      adw_action_row_set_title_lines (ADW_ACTION_ROW (line), 0);
      adw_expander_row_add_row (ADW_EXPANDER_ROW (row), line);
    }
  collet_widget_name_parts (row);
  return row;
}

static void
show_items (ColletReloadPage *self, ColletItem *reload)
{
  g_autoptr (GPtrArray) items = collet_item_dup_rows (reload, "Items");

  if (!is_other (reload, "Items", &self->shown_items))
    return;
  collet_group_clear (self->items);
  gtk_widget_set_visible (GTK_WIDGET (self->items), items->len > 0);
  for (guint i = 0; i < items->len; i++)
    {
      ColletItem *item = items->pdata[i];
      const char *module = collet_item_get_string (item, "module"),
                 *verdict = collet_item_get_string (item, "verdict");
      const char *message = collet_item_get_string (item, "error-message");
      g_auto (GStrv) differences = collet_item_dup_strv (item, "differences");
      g_autofree char *from = collet_text_dup_full_version (collet_item_get_string (item, "from-version"),
                                                            collet_item_get_string (item, "from"));
      g_autofree char *to = collet_text_dup_full_version (collet_item_get_string (item, "to-version"),
                                                          collet_item_get_string (item, "to"));
      g_autofree char *text = *message != '\0' ? g_strdup (message) : collet_text_dup_change (from, to);
      GtkWidget *row = collet_row_new (module, text);

      adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 0);
      if (*verdict != '\0')
        collet_row_add_status (row, collet_text_status_of (COLLET_WORD_COMPATIBILITY, verdict),
                               collet_text_of (COLLET_WORD_COMPATIBILITY, verdict));
      collet_row_set_action (row, "win.open-module", g_variant_new_string (module));
      collet_group_add (self->items, row);
      if (differences[0] != NULL)
        collet_group_add (self->items, make_differences_row (differences));
    }
}

static void
set_deadline (ColletDetailPage *self, guint fact, gint64 time)
{
  collet_detail_page_take_fact (self, fact, time > 0 ? collet_text_dup_time (time) : g_strdup (""));
}

static void
show_facts (ColletDetailPage *self, ColletItem *item)
{
  gint64 duration = collet_item_get_int (item, "DurationUs"), pause = collet_item_get_int (item, "PauseUs");

  collet_detail_page_set_fact (self, FACT_ID, collet_item_get_string (item, "Id"));
  collet_detail_page_set_fact (self, FACT_KIND,
                               collet_text_of (COLLET_WORD_KIND, collet_item_get_string (item, "Kind")));
  collet_detail_page_set_fact (
      self, FACT_STRATEGY, collet_text_of (COLLET_WORD_STRATEGY, collet_item_get_string (item, "Strategy")));
  collet_detail_page_take_fact (self, FACT_INITIATOR,
                                collet_text_dup_initiator (collet_item_get_int (item, "Initiator")));
  collet_detail_page_set_fact (self, FACT_REASON, collet_item_get_string (item, "Reason"));
  collet_detail_page_set_fact (self, FACT_NOTE, collet_item_get_string (item, "Note"));
  collet_detail_page_take_fact (self, FACT_STARTED,
                                collet_text_dup_time (collet_item_get_int (item, "StartedAt")));
  collet_detail_page_take_fact (self, FACT_DURATION,
                                duration > 0 ? collet_text_dup_duration (duration) : g_strdup (""));
  collet_detail_page_take_fact (self, FACT_PAUSE,
                                duration > 0 && pause >= 0 ? collet_text_dup_duration (pause)
                                                           : g_strdup (""));
  set_deadline (self, FACT_EXPIRES, collet_item_get_int (item, "ExpiresAt"));
  set_deadline (self, FACT_TRIAL_ENDS, collet_item_get_int (item, "TrialEndsAt"));
  collet_detail_page_set_fact (self, FACT_REVERTS, collet_item_get_string (item, "Reverts"));
}

static void
show_button (GtkWidget *button, gboolean visible, GVariant *target)
{
  gtk_actionable_set_action_target_value (GTK_ACTIONABLE (button), target);
  gtk_widget_set_visible (gtk_widget_get_parent (button), visible);
}

/* Whether nodes still wait for their wave. */
static gboolean
is_rolling (ColletItem *item)
{
  g_autoptr (GPtrArray) nodes = collet_item_dup_rows (item, "Nodes");
  gboolean is_decided = FALSE, is_left = FALSE;

  for (guint i = 0; i < nodes->len; i++)
    {
      const char *state = collet_item_get_string (nodes->pdata[i], "state");

      is_decided |= g_str_equal (state, "applied");
      is_left |= !g_str_equal (state, "applied") && !g_str_equal (state, "failed");
    }
  return g_str_equal (collet_item_get_string (item, "Strategy"), "rolling") && is_decided && is_left;
}

/* To what ran before: as it was agreed on, or here alone. */
static void
show_way_back (ColletReloadPage *self, ColletItem *item, gboolean visible)
{
  g_autoptr (GPtrArray) items = collet_item_dup_rows (item, "Items");
  gboolean is_agreed = collet_text_is_agreed (item) && items->len == 1;

  /* Between, it would have the target of the other. */
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->revert), NULL);
  show_button (self->revert, visible,
               is_agreed ? g_variant_new ("(ss)", collet_item_get_string (items->pdata[0], "module"),
                                          collet_item_get_string (items->pdata[0], "from"))
                         : g_variant_new_string (collet_item_get_string (item, "Id")));
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->revert),
                                  is_agreed ? "win.cluster-rollback" : "win.revert");
}

static void
show_buttons (ColletReloadPage *self, ColletItem *item)
{
  const char *id = collet_item_get_string (item, "Id"), *phase = collet_item_get_string (item, "Phase");
  g_autoptr (GPtrArray) items = collet_item_dup_rows (item, "Items");
  const char *module = items->len > 0 ? collet_item_get_string (items->pdata[0], "module") : "";
  const char *version = items->len > 0 ? collet_item_get_string (items->pdata[0], "to") : "";
  const char *state = collet_item_get_string (item, "State");
  gboolean is_running = g_str_equal (state, "running"), is_waves = is_rolling (item);
  /* What the nodes decide is not for anybody to commit. */
  gboolean is_prepared = is_running && g_str_equal (phase, "prepared") && !collet_text_is_agreed (item);
  gboolean is_canary = is_running && g_str_equal (phase, "canary");
  gboolean is_trial = is_running && g_str_equal (phase, "trial");
  const char *from = items->len == 1 ? collet_item_get_string (items->pdata[0], "from") : "";
  gboolean can_go_back =
      g_str_equal (state, "succeeded") && *from != '\0' && *version != '\0' && !g_str_equal (from, version);
  const char *why = collet_item_get_string (item, "NotCancellableReason");

  show_button (self->cancel, is_running && !is_prepared, g_variant_new_string (id));
  gtk_widget_set_sensitive (self->cancel, collet_item_get_bool (item, "Cancellable"));
  gtk_label_set_label (GTK_LABEL (self->note), why);
  gtk_widget_set_visible (self->note, is_running && *why != '\0');
  show_button (self->commit, is_prepared, g_variant_new ("(ss)", module, version));
  show_button (self->abort, is_prepared, g_variant_new ("(ss)", module, version));
  show_button (self->confirm, is_trial, g_variant_new_string (id));
  show_button (self->promote, is_canary || is_waves, g_variant_new_string (module));
  collet_button_set_label (self->promote, is_canary ? _ ("_Give It to All") : _ ("_Next Wave"));
  show_button (self->pause, is_waves, g_variant_new_string (module));
  show_button (self->resume, is_waves, g_variant_new_string (module));
  show_way_back (self, item, is_trial || can_go_back);
  gtk_widget_set_visible (self->buttons, is_running || can_go_back || is_waves);
}

/* ---- where it comes from ---- */

static gboolean
has_object (ColletReloadPage *self)
{
  ColletService *service = collet_page_get_service (COLLET_PAGE (self));

  return collet_item_list_lookup (collet_service_get_list (service, COLLET_LIST_RELOADS),
                                  collet_page_get_key (COLLET_PAGE (self))) != NULL;
}

static void
on_record (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = collet_service_call_finish (result, "(a{sv})", &error);
  ColletReloadPage *self = user_data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  /* Its object may have come meanwhile; then that is what is shown. */
  if (has_object (self))
    return;
  if (reply == NULL)
    {
      g_autofree char *text = collet_text_dup_error (error);
      collet_status_set (self->status, COLLET_STATUS_UNKNOWN, _ ("It could not be read"));
      show_error (self, collet_error_name_of (error), text);
      return;
    }
  g_autoptr (GVariant) values = g_variant_get_child_value (reply, 0);
  g_autoptr (ColletItem) record = collet_item_new (collet_page_get_key (COLLET_PAGE (self)), values);
  collet_detail_page_set_item (COLLET_DETAIL_PAGE (self), record);
}

static void
ask (ColletReloadPage *self)
{
  if (self->is_asked)
    return;
  self->is_asked = TRUE;
  collet_service_call (collet_page_get_service (COLLET_PAGE (self)), "GetReload",
                       g_variant_new ("(s)", collet_page_get_key (COLLET_PAGE (self))), 0,
                       collet_page_get_cancellable (COLLET_PAGE (self)), on_record, self);
}

static void
collet_reload_page_update (ColletDetailPage *page, ColletItem *item)
{
  ColletReloadPage *self = COLLET_RELOAD_PAGE (page);

  /* Of one that is gone, the daemon's record says how it ended. */
  if (!has_object (self))
    ask (self);
  if (item == NULL)
    return;
  const char *state = collet_item_get_string (item, "State");
  gboolean is_running = g_str_equal (state, "running");
  double progress = collet_item_get_double (item, "Progress");
  g_autofree char *title = collet_text_dup_reload_title (item);
  g_autofree char *started = collet_text_dup_time (collet_item_get_int (item, "StartedAt"));

  collet_page_set_title (COLLET_PAGE (self), title, started);
  collet_status_set (self->status, collet_text_status_of (COLLET_WORD_RELOAD_STATE, state),
                     is_running ? get_phase_word (item) : collet_text_of (COLLET_WORD_RELOAD_STATE, state));
  gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->progress), CLAMP (progress, 0, 1));
  gtk_widget_set_visible (self->progress, is_running);
  gtk_widget_set_visible (GTK_WIDGET (self->phases), TRUE);
  gtk_widget_set_visible (GTK_WIDGET (self->facts), TRUE);
  show_phases (self, item);
  show_buttons (self, item);
  show_error (self, collet_item_get_string (item, "ErrorName"),
              collet_item_get_string (item, "ErrorMessage"));
  show_nodes (self, item);
  show_items (self, item);
  show_facts (page, item);
}

/* ---- the page ---- */

/* What is seen of one reload is not said of another, of which nothing is known yet. */
static void
show_nothing (ColletReloadPage *self)
{
  GtkWidget *parts[] = {
    GTK_WIDGET (self->phases),
    self->progress,
    self->buttons,
    self->note,
    GTK_WIDGET (self->error),
    GTK_WIDGET (self->nodes),
    GTK_WIDGET (self->items),
    GTK_WIDGET (self->facts),
  };

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    gtk_widget_set_visible (parts[i], FALSE);
  collet_group_clear (self->nodes);
  collet_group_clear (self->items);
  self->done = NULL;
  g_clear_pointer (&self->shown_nodes, g_variant_unref);
  g_clear_pointer (&self->shown_items, g_variant_unref);
}

static void
collet_reload_page_set_key (ColletPage *page, const char *key)
{
  ColletReloadPage *self = COLLET_RELOAD_PAGE (page);

  COLLET_PAGE_CLASS (collet_reload_page_parent_class)->set_key (page, key);
  self->is_asked = FALSE;
  show_nothing (self);
  collet_page_set_title (page, _ ("Reload"), "");
  collet_status_set (self->status, COLLET_STATUS_BUSY, _ ("Loading"));
}

static void
collet_reload_page_refresh (ColletPage *page)
{
  COLLET_RELOAD_PAGE (page)->is_asked = FALSE;
  COLLET_PAGE_CLASS (collet_reload_page_parent_class)->refresh (page);
}

static void
collet_reload_page_finalize (GObject *object)
{
  ColletReloadPage *self = COLLET_RELOAD_PAGE (object);

  g_clear_pointer (&self->shown_nodes, g_variant_unref);
  g_clear_pointer (&self->shown_items, g_variant_unref);
  G_OBJECT_CLASS (collet_reload_page_parent_class)->finalize (object);
}

static void
collet_reload_page_class_init (ColletReloadPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  ColletPageClass *page_class = COLLET_PAGE_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = collet_reload_page_finalize;
  page_class->set_key = collet_reload_page_set_key;
  page_class->refresh = collet_reload_page_refresh;
  COLLET_DETAIL_PAGE_CLASS (klass)->list = COLLET_LIST_RELOADS;
  COLLET_DETAIL_PAGE_CLASS (klass)->keeps_item = TRUE;
  COLLET_DETAIL_PAGE_CLASS (klass)->update = collet_reload_page_update;
  g_type_ensure (COLLET_TYPE_STATUS);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/collet/Collet/collet-reload-page.ui");
  gtk_widget_class_bind_template_child (widget_class, ColletReloadPage, status);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadPage, phases);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadPage, progress);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadPage, buttons);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadPage, cancel);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadPage, commit);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadPage, abort);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadPage, confirm);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadPage, promote);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadPage, pause);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadPage, resume);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadPage, revert);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadPage, note);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadPage, error);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadPage, nodes);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadPage, items);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadPage, facts);
}

static void
collet_reload_page_init (ColletReloadPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  collet_widget_name_parts (GTK_WIDGET (self));
  for (guint i = 0; i < G_N_ELEMENTS (phases); i++)
    {
      self->phase_marks[i] = collet_status_new ();
      collet_status_set (COLLET_STATUS (self->phase_marks[i]), COLLET_STATUS_ABSENT,
                         collet_text_of (COLLET_WORD_PHASE, phases[i]));
      gtk_flow_box_append (self->phases, self->phase_marks[i]);
    }
  collet_detail_page_add_facts (COLLET_DETAIL_PAGE (self), self->facts, fact_names, N_FACTS);
}
