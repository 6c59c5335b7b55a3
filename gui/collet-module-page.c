/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-module-page.h"

#include <glib/gi18n.h>

#include "collet-bus.h"
#include "collet-module-row.h"
#include "collet-rows.h"
#include "collet-status.h"
#include "collet-strip.h"
#include "collet-text.h"
#include "collet-window.h"

#define HISTORY_ROWS 10
#define DRAIN_PACE_S 1

enum
{
  FACT_VERSION,
  FACT_STATE,
  FACT_HOST,
  FACT_GENERATION,
  FACT_LOADED,
  FACT_CALLS,
  FACT_IN_FLIGHT,
  FACT_CRASHES,
  FACT_FORMER,
  FACT_STATE_SAVED,
  FACT_STATE_LOST,
  FACT_REQUIRES,
  FACT_SIGNER,
  FACT_LICENSE,
  FACT_MD5,
  FACT_CODE_DIGEST,
  FACT_BUILD_ID,
  N_FACTS
};

static const char *const fact_names[N_FACTS] = {
  N_ ("Version"),     N_ ("State"),     N_ ("Runs in"),   N_ ("Generation"),        N_ ("Loaded"),
  N_ ("Calls"),       N_ ("In flight"), N_ ("Crashes"),   N_ ("Calls taken as of"), N_ ("State saved"),
  N_ ("State lost"),  N_ ("Needs"),     N_ ("Signed by"), N_ ("Licence"),           N_ ("MD5"),
  N_ ("Code digest"), N_ ("Build ID"),
};

struct _ColletModulePage
{
  ColletDetailPage parent_instance;
  ColletStatus *status;
  GtkWidget *why, *reload, *rollback, *drain, *resume, *unload;
  AdwPreferencesGroup *running, *draining, *versions, *nodes, *tools, *facts, *history;
  char *listed; /* the version for which versions and tools were listed */
  char *reload_path;
  guint drain_timer;
};

G_DEFINE_FINAL_TYPE (ColletModulePage, collet_module_page, COLLET_TYPE_DETAIL_PAGE)

static void ask_drain (ColletModulePage *self);

/* ---- what is asked for ---- */

/* Where the nodes have agreed on the module, they go back together. */
static gboolean
is_agreed (ColletModulePage *self)
{
  ColletService *service = collet_page_get_service (COLLET_PAGE (self));
  ColletMatrixRow *line =
      collet_matrix_lookup (collet_service_get_matrix (service), collet_page_get_key (COLLET_PAGE (self)));

  return collet_service_has_peers (service) && line != NULL && *collet_matrix_row_get_version (line) != '\0';
}

static const char *
get_rollback (ColletModulePage *self)
{
  return is_agreed (self) ? "win.cluster-rollback" : "win.rollback";
}

static GtkWidget *
make_version_row (gpointer self, ColletItem *version)
{
  return collet_module_row_new_version (version, collet_page_get_key (self), get_rollback (self));
}

static GtkWidget *
make_reload_row (gpointer self, ColletItem *reload)
{
  return collet_module_row_new_reload (reload);
}

static GtkWidget *
make_drain_row (gpointer self, ColletItem *drain)
{
  return collet_module_row_new_drain (drain);
}

static void
on_versions (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ColletModulePage *self = user_data;

  collet_detail_page_fill (self, &self->versions, result, make_version_row);
}

static void
on_history (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ColletModulePage *self = user_data;

  collet_detail_page_fill (self, &self->history, result, make_reload_row);
}

static gboolean
on_drain_due (gpointer user_data)
{
  ColletModulePage *self = user_data;

  self->drain_timer = 0;
  ask_drain (self);
  return G_SOURCE_REMOVE;
}

static void
on_drain (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ColletModulePage *self = user_data;

  /* While one is seen it goes on, also without news of the module. */
  if (collet_detail_page_fill (self, &self->draining, result, make_drain_row) && self->drain_timer == 0 &&
      gtk_widget_get_visible (GTK_WIDGET (self->draining)) && gtk_widget_get_mapped (GTK_WIDGET (self)))
    self->drain_timer = g_timeout_add_seconds (DRAIN_PACE_S, on_drain_due, self);
}

static void
ask_for (ColletModulePage *self, const char *method, GVariant *arguments, GAsyncReadyCallback callback)
{
  collet_service_call (collet_page_get_service (COLLET_PAGE (self)), method, arguments, 0,
                       collet_page_get_cancellable (COLLET_PAGE (self)), callback, self);
}

static void
ask_drain (ColletModulePage *self)
{
  ask_for (self, "GetDrainStatus", g_variant_new ("(s)", collet_page_get_key (COLLET_PAGE (self))), on_drain);
}

static void
ask (ColletModulePage *self)
{
  const char *key = collet_page_get_key (COLLET_PAGE (self));

  ask_for (self, "ListVersions", g_variant_new ("(s)", key), on_versions);
  ask_for (self, "GetReloadHistory", g_variant_new ("(sua{sv})", key, HISTORY_ROWS, NULL), on_history);
}

/* ---- what is kept up to date ---- */

static void
list_tools (ColletModulePage *self, ColletItem *item)
{
  ColletService *service = collet_page_get_service (COLLET_PAGE (self));
  ColletItemList *tools = collet_service_get_list (service, COLLET_LIST_TOOLS);
  g_auto (GStrv) names = collet_item_dup_strv (item, "Tools");

  collet_group_clear (self->tools);
  for (guint i = 0; names[i] != NULL; i++)
    {
      ColletItem *tool = collet_item_list_lookup (tools, names[i]);
      GtkWidget *row =
          collet_row_new (names[i], tool != NULL ? collet_item_get_string (tool, "Description") : NULL);

      adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 2);
      collet_row_set_action (row, "win.open-tool", g_variant_new_string (names[i]));
      collet_group_add (self->tools, row);
    }
}

static void
list_nodes (ColletModulePage *self)
{
  ColletService *service = collet_page_get_service (COLLET_PAGE (self));
  const char *own = collet_item_get_string (collet_service_get_daemon (service), "NodeName");
  ColletMatrix *matrix = collet_service_get_matrix (service);
  const char *const *nodes = collet_matrix_get_nodes (matrix);
  ColletMatrixRow *line = collet_matrix_lookup (matrix, collet_page_get_key (COLLET_PAGE (self)));
  guint n = line != NULL ? collet_matrix_get_n_nodes (matrix) : 0;

  collet_group_clear (self->nodes);
  gtk_widget_set_visible (GTK_WIDGET (self->nodes), n > 1);
  if (n <= 1)
    return;
  g_autofree char *summary = collet_strip_dup_summary (matrix, line);
  adw_preferences_group_set_description (self->nodes, summary);
  /* What is in line is said in one sentence; the others one by one. */
  for (guint i = 0; i < n; i++)
    {
      ColletCell cell = collet_matrix_row_get_cell (line, i);
      if (cell == COLLET_CELL_IN_LINE && n > 8)
        continue;
      g_autofree char *version = collet_text_dup_version (collet_matrix_row_get_cell_version (line, i));
      GtkWidget *row = collet_row_new (nodes[i], version);
      collet_row_add_status (row, collet_cell_get_status (cell), collet_cell_get_word (cell));
      /* Only the daemon that we talk to can give up what it has of its own. */
      if (cell == COLLET_CELL_OVERRIDE && g_str_equal (nodes[i], own))
        collet_row_add_button (row, _ ("As _Agreed"), "win.clear-override",
                               g_variant_new_string (collet_page_get_key (COLLET_PAGE (self))));
      collet_group_add (self->nodes, row);
    }
}

/* Versions in whose form calls are still taken, and until when. */
static char *
dup_former (ColletItem *item)
{
  g_autoptr (GVariant) values = collet_item_ref_values (item);
  g_autoptr (GVariant) versions = g_variant_lookup_value (values, "FormerVersions", G_VARIANT_TYPE ("a(sx)"));
  g_autoptr (GString) text = g_string_new (NULL);
  GVariantIter iter;
  const char *sha256;
  gint64 until;

  if (versions == NULL)
    return g_strdup ("");
  g_variant_iter_init (&iter, versions);
  while (g_variant_iter_next (&iter, "(&sx)", &sha256, &until))
    {
      g_autofree char *version = collet_text_dup_version (sha256);
      g_autofree char *time = collet_text_dup_time (until);

      if (until <= g_get_real_time ())
        continue;
      g_string_append (text, text->len > 0 ? ", " : "");
      /* Translators: a version, and a time */
      g_string_append_printf (text, _ ("%s until %s"), version, time);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* By the last crash, since this version was published. */
static char *
dup_loss (ColletItem *item)
{
  gint64 restored = collet_item_get_int (item, "StateRestoredAt"),
         lost = collet_item_get_int (item, "StateLostUs");
  g_autofree char *when = collet_text_dup_time (restored);
  g_autofree char *age = collet_text_dup_duration (lost);

  if (restored <= 0)
    return g_strdup ("");
  if (lost < 0)
    return g_strdup_printf (_ ("%s, by a crash: all of it, it had never been saved"), when);
  return g_strdup_printf (_ ("%s, by a crash: up to %s of changes"), when, age);
}

static void
show_facts (ColletDetailPage *self, ColletItem *item)
{
  gint64 errors = collet_item_get_int (item, "Errors"), calls = collet_item_get_int (item, "Calls");
  g_auto (GStrv) requires = collet_item_dup_strv (item, "Requires");
  const char *signer = collet_item_get_string (item, "Signer");

  collet_detail_page_take_fact (self, FACT_VERSION,
                                collet_text_dup_full_version (collet_item_get_string (item,
                                                                                      "SemanticVersion"),
                                                              collet_item_get_string (item, "Version")));
  collet_detail_page_set_fact (
      self, FACT_STATE, collet_text_of (COLLET_WORD_MODULE_STATE, collet_item_get_string (item, "State")));
  collet_detail_page_set_fact (self, FACT_HOST,
                               g_str_equal (collet_item_get_string (item, "Host"), "in-process")
                                   ? _ ("The daemon itself")
                                   : _ ("A confined process"));
  collet_detail_page_set_number (self, FACT_GENERATION, "Generation");
  collet_detail_page_take_fact (self, FACT_LOADED,
                                collet_text_dup_time (collet_item_get_int (item, "LoadedAt")));
  if (errors > 0)
    collet_detail_page_take_fact (
        self, FACT_CALLS, g_strdup_printf (_ ("%d, %d of them with errors"), (int)calls, (int)errors));
  else
    collet_detail_page_set_number (self, FACT_CALLS, "Calls");
  collet_detail_page_set_number (self, FACT_IN_FLIGHT, "InFlight");
  collet_detail_page_set_number (self, FACT_CRASHES, "Crashes");
  collet_detail_page_take_fact (self, FACT_STATE_SAVED,
                                collet_item_get_bool (item, "Stateful")
                                    ? collet_text_dup_time (collet_item_get_int (item, "StateSavedAt"))
                                    : g_strdup (_ ("It has none")));
  collet_detail_page_take_fact (self, FACT_FORMER, dup_former (item));
  collet_detail_page_take_fact (self, FACT_STATE_LOST, dup_loss (item));
  collet_detail_page_take_fact (self, FACT_REQUIRES, g_strjoinv (", ", requires));
  if (collet_item_get_bool (item, "SignerRevoked"))
    collet_detail_page_take_fact (self, FACT_SIGNER,
                                  g_strdup_printf (_ ("%s, whose key was revoked"),
                                                   *signer != '\0' ? signer : _ ("somebody unknown")));
  else
    collet_detail_page_set_fact (self, FACT_SIGNER, *signer != '\0' ? signer : _ ("Nobody"));
  collet_detail_page_set_fact (self, FACT_LICENSE, collet_item_get_string (item, "License"));
  collet_detail_page_set_fact (self, FACT_MD5, collet_item_get_string (item, "Md5"));
  collet_detail_page_set_fact (self, FACT_CODE_DIGEST, collet_item_get_string (item, "CodeDigest"));
  collet_detail_page_set_fact (self, FACT_BUILD_ID, collet_item_get_string (item, "BuildId"));
}

static void
show_running (ColletModulePage *self, ColletItem *item)
{
  g_autofree char *id =
      item != NULL ? collet_bus_dup_name (COLLET_BUS_RELOADS, collet_item_get_string (item, "Reload")) : NULL;

  if (g_strcmp0 (id, self->reload_path) == 0)
    return;
  collet_group_clear (self->running);
  gtk_widget_set_visible (GTK_WIDGET (self->running), id != NULL);
  g_free (self->reload_path);
  self->reload_path = g_steal_pointer (&id);
  if (self->reload_path == NULL)
    return;
  GtkWidget *row = collet_row_new (_ ("Watch it"), self->reload_path);
  collet_row_set_action (row, "win.open-reload", g_variant_new_string (self->reload_path));
  collet_group_add (self->running, row);
}

/* Shown, with the reason in its tooltip if it does nothing. */
static void
set_button (ColletModulePage *self, GtkWidget *button, const char *why_not)
{
  ColletWindow *window = collet_window_of (self);
  const char *reason =
      window != NULL
          ? collet_window_get_reason (window, gtk_actionable_get_action_name (GTK_ACTIONABLE (button)))
          : NULL;

  gtk_widget_set_sensitive (button, why_not == NULL && reason == NULL);
  gtk_widget_set_tooltip_text (button, reason != NULL ? reason : why_not);
}

static void
show_buttons (ColletModulePage *self, ColletItem *item)
{
  const char *state = item != NULL ? collet_item_get_string (item, "State") : "";
  const char *previous = item != NULL ? collet_item_get_string (item, "PreviousVersion") : "";
  const char *gone = item == NULL ? _ ("It is not loaded on this node") : NULL;
  gboolean is_drained = g_str_equal (state, "drained");

  /* The children of the flow box, so that they leave no gap. */
  gtk_widget_set_visible (gtk_widget_get_parent (self->resume), is_drained);
  gtk_widget_set_visible (gtk_widget_get_parent (self->drain), !is_drained);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->rollback), get_rollback (self));
  set_button (self, self->reload, gone);
  set_button (self, self->rollback,
              gone != NULL                             ? gone
              : *previous == '\0' && !is_agreed (self) ? _ ("There is no version before this one")
                                                       : NULL);
  set_button (self, self->drain, gone);
  set_button (self, self->resume, NULL);
  set_button (self, self->unload, gone);
}

static void
show_status (ColletModulePage *self, ColletItem *item)
{
  const char *state = collet_item_get_string (item, "State"),
             *verdict = collet_item_get_string (item, "Verdict");
  ColletStatusKind kind = g_str_equal (verdict, "broken") ? COLLET_STATUS_BROKEN
                          : g_str_equal (verdict, "attention")
                              ? COLLET_STATUS_ATTENTION
                              : collet_text_status_of (COLLET_WORD_MODULE_STATE, state);
  g_autofree char *version = collet_text_dup_full_version (collet_item_get_string (item, "SemanticVersion"),
                                                           collet_item_get_string (item, "Version"));
  g_autofree char *text =
      g_strdup_printf ("%s, %s", version, collet_text_of (COLLET_WORD_MODULE_STATE, state));

  collet_status_set (self->status, kind, text);
}

static void
collet_module_page_update (ColletDetailPage *page, ColletItem *item)
{
  ColletModulePage *self = COLLET_MODULE_PAGE (page);
  const char *why = item != NULL ? collet_item_get_string (item, "VerdictMessage") : "";

  show_buttons (self, item);
  show_running (self, item);
  gtk_label_set_label (GTK_LABEL (self->why), why);
  gtk_widget_set_visible (self->why, *why != '\0');
  gtk_widget_set_visible (GTK_WIDGET (self->tools), item != NULL);
  gtk_widget_set_visible (GTK_WIDGET (self->facts), item != NULL);
  if (item == NULL)
    {
      collet_status_set (self->status, COLLET_STATUS_ABSENT, _ ("Not loaded on this node"));
      return;
    }
  show_status (self, item);
  collet_page_set_title (COLLET_PAGE (self), collet_page_get_key (COLLET_PAGE (self)),
                         collet_item_get_string (item, "Description"));
  show_facts (page, item);
  if (collet_item_get_int (item, "LiveGenerations") > 1 ||
      g_str_has_prefix (collet_item_get_string (item, "State"), "drain"))
    ask_drain (self);
  if (g_strcmp0 (self->listed, collet_item_get_string (item, "Version")) != 0)
    {
      g_free (self->listed);
      self->listed = g_strdup (collet_item_get_string (item, "Version"));
      list_tools (self, item);
      ask (self);
    }
}

/* ---- the page ---- */

static void
set_string_target (GtkWidget *button, const char *key)
{
  gtk_actionable_set_action_target_value (GTK_ACTIONABLE (button), g_variant_new_string (key));
}

static void
collet_module_page_set_key (ColletPage *page, const char *key)
{
  ColletModulePage *self = COLLET_MODULE_PAGE (page);

  COLLET_PAGE_CLASS (collet_module_page_parent_class)->set_key (page, key);
  set_string_target (self->reload, key);
  set_string_target (self->drain, key);
  set_string_target (self->resume, key);
  set_string_target (self->unload, key);
  gtk_actionable_set_action_target_value (GTK_ACTIONABLE (self->rollback), g_variant_new ("(ss)", key, ""));
  g_clear_pointer (&self->listed, g_free);
  collet_group_clear (self->versions);
  collet_group_clear (self->history);
  collet_group_clear (self->tools);
  gtk_widget_set_visible (GTK_WIDGET (self->draining), FALSE);
}

static void
collet_module_page_refresh (ColletPage *page)
{
  ColletModulePage *self = COLLET_MODULE_PAGE (page);

  if (collet_page_get_key (page) == NULL)
    return;
  COLLET_PAGE_CLASS (collet_module_page_parent_class)->refresh (page);
  list_nodes (self);
  ask (self);
  ask_drain (self);
}

static void
collet_module_page_set_service (ColletPage *page, ColletService *service)
{
  ColletMatrix *matrix = collet_service_get_matrix (service);

  COLLET_PAGE_CLASS (collet_module_page_parent_class)->set_service (page, service);
  g_signal_connect_object (service, "reload-finished", G_CALLBACK (collet_module_page_refresh), page,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (matrix, "notify::revision", G_CALLBACK (list_nodes), page, G_CONNECT_SWAPPED);
}

static void
collet_module_page_dispose (GObject *object)
{
  ColletModulePage *self = COLLET_MODULE_PAGE (object);

  g_clear_handle_id (&self->drain_timer, g_source_remove);
  g_clear_pointer (&self->listed, g_free);
  g_clear_pointer (&self->reload_path, g_free);
  G_OBJECT_CLASS (collet_module_page_parent_class)->dispose (object);
}

static void
collet_module_page_class_init (ColletModulePageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  ColletPageClass *page_class = COLLET_PAGE_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = collet_module_page_dispose;
  page_class->set_service = collet_module_page_set_service;
  page_class->set_key = collet_module_page_set_key;
  page_class->refresh = collet_module_page_refresh;
  COLLET_DETAIL_PAGE_CLASS (klass)->list = COLLET_LIST_MODULES;
  COLLET_DETAIL_PAGE_CLASS (klass)->update = collet_module_page_update;
  g_type_ensure (COLLET_TYPE_STATUS);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/collet/Collet/collet-module-page.ui");
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, status);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, why);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, reload);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, rollback);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, drain);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, resume);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, unload);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, running);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, draining);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, versions);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, nodes);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, tools);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, facts);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, history);
}

static void
collet_module_page_init (ColletModulePage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  collet_widget_name_parts (GTK_WIDGET (self));
  collet_detail_page_add_facts (COLLET_DETAIL_PAGE (self), self->facts, fact_names, N_FACTS);
}
