/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-tool-page.h"

#include <glib/gi18n.h>
#include <json-glib/json-glib.h>

#include "collet-error.h"
#include "collet-form.h"
#include "collet-module-row.h"
#include "collet-rows.h"
#include "collet-sparkline.h"
#include "collet-status.h"
#include "collet-text.h"
#include "collet-window.h"

/* Of an answer that is shown; the rest is cut off, and said so. */
#define MAX_SHOWN 65536
#define HISTORY_ROWS 10

enum
{
  FACT_VERSION,
  FACT_CALLS,
  FACT_ERRORS,
  FACT_SUBSCRIBERS,
  FACT_UPDATED,
  FACT_REGISTERED,
  FACT_HINTS,
  N_FACTS
};

static const char *const fact_names[N_FACTS] = {
  N_ ("Version"), N_ ("Calls"),        N_ ("Errors"), N_ ("Subscribers"),
  N_ ("Updated"), N_ ("First served"), N_ ("Hints"),
};

struct _ColletToolPage
{
  ColletDetailPage parent_instance;
  GtkWidget *description, *subscribe, *module, *latency, *call, *answer, *result, *output_row;
  GtkWidget *input_schema, *output_schema;
  AdwPreferencesGroup *facts, *history;
  ColletItem *followed; /* its module; may be NULL */
  ColletSparkline *sparkline;
  ColletForm *form;
  ColletStatus *outcome;
  char *form_of; /* the tool that what is typed in is for */
  gboolean is_calling;
  gint64 called_at, calls, n_subscribers;
  char *subscribers; /* their names */
  char *listed;      /* the version for which the history was listed */
};

G_DEFINE_FINAL_TYPE (ColletToolPage, collet_tool_page, COLLET_TYPE_DETAIL_PAGE)

/* ---- JSON for people ---- */

static char *
dup_pretty (const char *json)
{
  g_autoptr (JsonNode) node = json_from_string (json, NULL);
  g_autofree char *pretty = node != NULL ? json_to_string (node, TRUE) : g_strdup (json);

  if (strlen (pretty) <= MAX_SHOWN)
    return g_steal_pointer (&pretty);
  g_autofree char *start = g_utf8_substring (pretty, 0, MAX_SHOWN / 4);
  return g_strdup_printf ("%s\n%s", start, _ ("… the rest is not shown"));
}

static char *
dup_hints (const char *annotations)
{
  static const struct
  {
    const char *name, *word;
  } hints[] = {
    { "readOnlyHint", N_ ("only reads") },
    { "destructiveHint", N_ ("may destroy") },
    { "idempotentHint", N_ ("may be repeated") },
    { "openWorldHint", N_ ("reaches outside") },
  };
  g_autoptr (JsonNode) node = json_from_string (annotations, NULL);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; node != NULL && JSON_NODE_HOLDS_OBJECT (node) && i < G_N_ELEMENTS (hints); i++)
    {
      JsonNode *hint = json_object_get_member (json_node_get_object (node), hints[i].name);
      if (hint != NULL && json_node_get_value_type (hint) == G_TYPE_BOOLEAN && json_node_get_boolean (hint))
        g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", _ (hints[i].word));
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* ---- calling ---- */

static void
show_answer (ColletToolPage *self, ColletStatusKind kind, const char *word, const char *text)
{
  collet_status_set (self->outcome, kind, word);
  gtk_label_set_label (GTK_LABEL (self->result), text);
  gtk_widget_set_visible (self->result, *text != '\0');
  gtk_widget_set_visible (self->answer, TRUE);
}

static gboolean
says_error (const char *result)
{
  g_autoptr (JsonNode) node = json_from_string (result, NULL);
  JsonNode *flag = node != NULL && JSON_NODE_HOLDS_OBJECT (node)
                       ? json_object_get_member (json_node_get_object (node), "isError")
                       : NULL;

  return flag != NULL && json_node_get_value_type (flag) == G_TYPE_BOOLEAN && json_node_get_boolean (flag);
}

static void
on_called (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = collet_service_call_finish (result, "(s)", &error);
  ColletToolPage *self = user_data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  self->is_calling = FALSE;
  gtk_widget_set_sensitive (self->call, collet_detail_page_get_item (COLLET_DETAIL_PAGE (self)) != NULL);
  if (reply == NULL)
    {
      g_autofree char *text = collet_text_dup_error_advice (error);
      show_answer (self, COLLET_STATUS_BROKEN, collet_error_name_of (error), text);
      return;
    }
  const char *json;
  g_variant_get (reply, "(&s)", &json);
  g_autofree char *pretty = dup_pretty (json);
  g_autofree char *took = collet_text_dup_duration (g_get_monotonic_time () - self->called_at);
  gboolean failed = says_error (json);
  g_autofree char *word =
      g_strdup_printf (failed ? _ ("The tool answered with an error, after %s") : _ ("Answered after %s"),
                       took);
  show_answer (self, failed ? COLLET_STATUS_ATTENTION : COLLET_STATUS_OK, word, pretty);
}

static void
on_call (ColletToolPage *self)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *arguments = collet_form_dup_arguments (self->form, &error);

  if (arguments == NULL)
    {
      show_answer (self, COLLET_STATUS_ATTENTION, error->message, "");
      return;
    }
  show_answer (self, COLLET_STATUS_BUSY, _ ("Calling"), "");
  self->is_calling = TRUE;
  gtk_widget_set_sensitive (self->call, FALSE);
  self->called_at = g_get_monotonic_time ();
  collet_service_call (collet_page_get_service (COLLET_PAGE (self)), "CallTool",
                       g_variant_new ("(ssa{sv})", collet_page_get_key (COLLET_PAGE (self)), arguments, NULL),
                       0, collet_page_get_cancellable (COLLET_PAGE (self)), on_called, self);
}

/* ---- statistics ---- */

/* Without calls there is nothing to say of how long they took. */
static void
show_latency (ColletToolPage *self, GPtrArray *rows)
{
  g_autoptr (GArray) values = g_array_new (FALSE, FALSE, sizeof (double));
  double last = 0;

  for (guint i = 0; rows != NULL && i < rows->len; i++)
    {
      if (collet_item_get_int (rows->pdata[i], "calls") == 0)
        continue;
      last = (double)collet_item_get_int (rows->pdata[i], "p95-us");
      g_array_append_val (values, last);
    }
  gtk_widget_set_visible (self->latency, values->len > 0 && self->calls > 0);
  gtk_widget_set_visible (GTK_WIDGET (self->sparkline), values->len > 1);
  g_autofree char *duration = collet_text_dup_duration ((gint64)last);
  g_autofree char *text = g_strdup_printf (_ ("95 %% of the calls within %s"), duration);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self->latency), text);
  collet_sparkline_set (self->sparkline, (const double *)(void *)values->data, values->len, text);
}

static void
on_statistics (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = collet_service_call_finish_rows (result, &error);

  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    show_latency (user_data, rows);
}

/* ---- whether one is told of updates ---- */

typedef enum
{
  SUBSCRIBED_NOT,
  SUBSCRIBED_HERE,
  SUBSCRIBED_TO_ALL,
} Subscribed;

static void
show_subscribed (ColletToolPage *self, Subscribed subscribed)
{
  collet_button_set_label (self->subscribe,
                           subscribed == SUBSCRIBED_HERE ? _ ("_Unsubscribe") : _ ("_Subscribe"));
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->subscribe),
                                  subscribed == SUBSCRIBED_HERE ? "win.unsubscribe" : "win.subscribe");
  gtk_widget_set_tooltip_text (self->subscribe, subscribed == SUBSCRIBED_TO_ALL
                                                    ? _ ("You are subscribed to every tool")
                                                    : NULL);
}

/* "2: uid:0, builder" */
static void
show_subscribers (ColletToolPage *self)
{
  gboolean is_known = self->subscribers != NULL && *self->subscribers != '\0';

  collet_detail_page_take_fact (COLLET_DETAIL_PAGE (self), FACT_SUBSCRIBERS,
                                g_strdup_printf ("%" G_GINT64_FORMAT "%s%s", self->n_subscribers,
                                                 is_known ? ": " : "", is_known ? self->subscribers : ""));
}

static void
on_subscriptions (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = collet_service_call_finish_rows (result, &error);
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *own = collet_text_dup_own_subscriber ();
  ColletToolPage *self = user_data;
  Subscribed subscribed = SUBSCRIBED_NOT;

  /* Nothing is said of what could not be read. */
  if (rows == NULL)
    return;
  for (guint i = 0; i < rows->len; i++)
    {
      const char *tool = collet_item_get_string (rows->pdata[i], "tool"),
                 *subscriber = collet_item_get_string (rows->pdata[i], "subscriber");
      gboolean is_own = g_str_equal (subscriber, own), is_all = g_str_equal (tool, "*");

      if (!is_all && g_strcmp0 (tool, collet_page_get_key (COLLET_PAGE (self))) != 0)
        continue;
      g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", subscriber);
      if (is_own && !is_all)
        subscribed = SUBSCRIBED_HERE;
      else if (is_own && subscribed == SUBSCRIBED_NOT)
        subscribed = SUBSCRIBED_TO_ALL;
    }
  g_free (self->subscribers);
  self->subscribers = g_strdup (names->str);
  show_subscribers (self);
  show_subscribed (self, subscribed);
}

static void
ask_for (ColletToolPage *self, const char *method, GVariant *arguments, GAsyncReadyCallback callback)
{
  collet_service_call (collet_page_get_service (COLLET_PAGE (self)), method, arguments, 0,
                       collet_page_get_cancellable (COLLET_PAGE (self)), callback, self);
}

static void
ask_subscriptions (ColletToolPage *self)
{
  ask_for (self, "ListSubscriptions", g_variant_new ("(a{sv})", NULL), on_subscriptions);
}

/* ---- what was done to its module ---- */

static GtkWidget *
make_reload_row (gpointer self, ColletItem *reload)
{
  return collet_module_row_new_reload (reload);
}

static void
on_history (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ColletToolPage *self = user_data;

  collet_detail_page_fill (self, &self->history, result, make_reload_row);
}

static void
ask_history (ColletToolPage *self)
{
  ColletItem *item = collet_detail_page_get_item (COLLET_DETAIL_PAGE (self));

  if (item != NULL)
    ask_for (self, "GetReloadHistory",
             g_variant_new ("(sua{sv})", collet_item_get_string (item, "Module"), HISTORY_ROWS, NULL),
             on_history);
}

static void
collet_tool_page_refresh (ColletPage *page)
{
  ColletToolPage *self = COLLET_TOOL_PAGE (page);

  COLLET_PAGE_CLASS (collet_tool_page_parent_class)->refresh (page);
  ask_subscriptions (self);
  ask_history (self);
}

static void
ask (ColletToolPage *self)
{
  ask_for (self, "GetCallStatistics",
           g_variant_new ("(sa{sv})", collet_page_get_key (COLLET_PAGE (self)), NULL), on_statistics);
}

/* ---- what is kept up to date ---- */

static void
set_code (GtkWidget *label, const char *json)
{
  g_autofree char *pretty = dup_pretty (json);

  if (g_strcmp0 (gtk_label_get_label (GTK_LABEL (label)), pretty) != 0)
    gtk_label_set_label (GTK_LABEL (label), pretty);
}

static void
show_facts (ColletDetailPage *self, ColletItem *item)
{
  collet_detail_page_take_fact (self, FACT_VERSION,
                                collet_text_dup_full_version (collet_item_get_string (item,
                                                                                      "SemanticVersion"),
                                                              collet_item_get_string (item, "Version")));
  collet_detail_page_set_number (self, FACT_CALLS, "Calls");
  collet_detail_page_set_number (self, FACT_ERRORS, "Errors");
  collet_detail_page_take_fact (self, FACT_UPDATED,
                                collet_text_dup_time (collet_item_get_int (item, "UpdatedAt")));
  collet_detail_page_take_fact (self, FACT_REGISTERED,
                                collet_text_dup_time (collet_item_get_int (item, "RegisteredAt")));
  collet_detail_page_take_fact (self, FACT_HINTS, dup_hints (collet_item_get_string (item, "Annotations")));
}

/* "calculator, Running, 2 calls in flight" */
static void
show_module (ColletToolPage *self)
{
  ColletItem *item = collet_detail_page_get_item (COLLET_DETAIL_PAGE (self));
  const char *name = item != NULL ? collet_item_get_string (item, "Module") : "";
  g_autoptr (GString) text = g_string_new (name);

  if (self->followed != NULL)
    {
      gint64 n = collet_item_get_int (self->followed, "InFlight");

      g_string_append_printf (text, ", %s",
                              collet_text_of (COLLET_WORD_MODULE_STATE,
                                              collet_item_get_string (self->followed, "State")));
      if (n > 0)
        g_string_append_printf (text, ngettext (", %d call in flight", ", %d calls in flight", (gulong)n),
                                (int)n);
    }
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self->module), text->str);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->module), "s", name);
}

static void
follow_module (ColletToolPage *self, ColletItem *module)
{
  if (self->followed != module)
    {
      if (self->followed != NULL)
        g_signal_handlers_disconnect_by_func (self->followed, show_module, self);
      g_set_object (&self->followed, module);
      if (module != NULL)
        g_signal_connect_object (module, "notify::revision", G_CALLBACK (show_module), self,
                                 G_CONNECT_SWAPPED);
    }
  show_module (self);
}

static void
collet_tool_page_update (ColletDetailPage *page, ColletItem *item)
{
  ColletToolPage *self = COLLET_TOOL_PAGE (page);

  gtk_widget_set_sensitive (GTK_WIDGET (self->form), item != NULL);
  gtk_widget_set_sensitive (self->call, item != NULL && !self->is_calling);
  gtk_widget_set_tooltip_text (self->call, item == NULL ? _ ("The tool is not served now") : NULL);
  if (item == NULL)
    {
      gtk_label_set_label (GTK_LABEL (self->description), _ ("This tool is not served now."));
      return;
    }
  ColletService *service = collet_page_get_service (COLLET_PAGE (self));
  gint64 n_subscribers = collet_item_get_int (item, "Subscribers");
  const char *version = collet_item_get_string (item, "Version");
  const char *output = collet_item_get_string (item, "OutputSchema");
  gint64 calls = collet_item_get_int (item, "Calls");
  collet_page_set_title (COLLET_PAGE (self), collet_page_get_key (COLLET_PAGE (self)),
                         collet_item_get_string (item, "Title"));
  gtk_label_set_label (GTK_LABEL (self->description), collet_item_get_string (item, "Description"));
  follow_module (self, collet_item_list_lookup (collet_service_get_list (service, COLLET_LIST_MODULES),
                                                collet_item_get_string (item, "Module")));
  collet_form_set_schema (self->form, collet_item_get_string (item, "InputSchema"));
  set_code (self->input_schema, collet_item_get_string (item, "InputSchema"));
  set_code (self->output_schema, output);
  gtk_widget_set_visible (self->output_row, *output != '\0');
  show_facts (page, item);
  if (n_subscribers != self->n_subscribers)
    {
      self->n_subscribers = n_subscribers;
      g_clear_pointer (&self->subscribers, g_free);
      ask_subscriptions (self);
    }
  show_subscribers (self);
  if (g_strcmp0 (version, self->listed) != 0)
    {
      g_free (self->listed);
      self->listed = g_strdup (version);
      ask_history (self);
    }
  /* Trial calls before a version served count there, but are nobody's. */
  if (calls == self->calls)
    return;
  self->calls = calls;
  ask (self);
}

/* ---- the page ---- */

static void
collet_tool_page_set_key (ColletPage *page, const char *key)
{
  ColletToolPage *self = COLLET_TOOL_PAGE (page);

  COLLET_PAGE_CLASS (collet_tool_page_parent_class)->set_key (page, key);
  if (g_strcmp0 (key, self->form_of) != 0)
    {
      collet_form_set_schema (self->form, "");
      g_free (self->form_of);
      self->form_of = g_strdup (key);
    }
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->subscribe), "s", key);
  show_subscribed (self, SUBSCRIBED_NOT);
  gtk_widget_set_visible (self->answer, FALSE);
  gtk_widget_set_visible (self->latency, FALSE);
  gtk_widget_set_visible (GTK_WIDGET (self->history), FALSE);
  self->is_calling = FALSE;
  self->calls = self->n_subscribers = -1; /* asked for when they are known */
  g_clear_pointer (&self->subscribers, g_free);
  g_clear_pointer (&self->listed, g_free);
}

static void
collet_tool_page_finalize (GObject *object)
{
  ColletToolPage *self = COLLET_TOOL_PAGE (object);

  g_clear_object (&self->followed);
  g_free (self->form_of);
  g_free (self->subscribers);
  g_free (self->listed);
  G_OBJECT_CLASS (collet_tool_page_parent_class)->finalize (object);
}

static void
collet_tool_page_class_init (ColletToolPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = collet_tool_page_finalize;
  COLLET_PAGE_CLASS (klass)->set_key = collet_tool_page_set_key;
  COLLET_PAGE_CLASS (klass)->refresh = collet_tool_page_refresh;
  COLLET_DETAIL_PAGE_CLASS (klass)->list = COLLET_LIST_TOOLS;
  COLLET_DETAIL_PAGE_CLASS (klass)->update = collet_tool_page_update;
  g_type_ensure (COLLET_TYPE_STATUS);
  g_type_ensure (COLLET_TYPE_FORM);
  g_type_ensure (COLLET_TYPE_SPARKLINE);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/collet/Collet/collet-tool-page.ui");
  gtk_widget_class_bind_template_child (widget_class, ColletToolPage, description);
  gtk_widget_class_bind_template_child (widget_class, ColletToolPage, subscribe);
  gtk_widget_class_bind_template_child (widget_class, ColletToolPage, module);
  gtk_widget_class_bind_template_child (widget_class, ColletToolPage, latency);
  gtk_widget_class_bind_template_child (widget_class, ColletToolPage, sparkline);
  gtk_widget_class_bind_template_child (widget_class, ColletToolPage, facts);
  gtk_widget_class_bind_template_child (widget_class, ColletToolPage, history);
  gtk_widget_class_bind_template_child (widget_class, ColletToolPage, call);
  gtk_widget_class_bind_template_child (widget_class, ColletToolPage, form);
  gtk_widget_class_bind_template_child (widget_class, ColletToolPage, answer);
  gtk_widget_class_bind_template_child (widget_class, ColletToolPage, outcome);
  gtk_widget_class_bind_template_child (widget_class, ColletToolPage, result);
  gtk_widget_class_bind_template_child (widget_class, ColletToolPage, output_row);
  gtk_widget_class_bind_template_child (widget_class, ColletToolPage, input_schema);
  gtk_widget_class_bind_template_child (widget_class, ColletToolPage, output_schema);
  gtk_widget_class_bind_template_callback (widget_class, on_call);
}

static void
collet_tool_page_init (ColletToolPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  collet_widget_name_parts (GTK_WIDGET (self));
  collet_detail_page_add_facts (COLLET_DETAIL_PAGE (self), self->facts, fact_names, N_FACTS);
}
