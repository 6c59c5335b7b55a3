/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What changes something at the daemon: each is a row of the table, asks first
 * where people should think, and shows the reload that comes of it.
 */
#include "collet-window-private.h"

#include <glib/gi18n.h>

#include "collet-bus.h"
#include "collet-error.h"
#include "collet-rows.h"
#include "collet-text.h"
#include "collet-way-back.h"

typedef enum
{
  SHAPE_NONE,         /* (options) */
  SHAPE_NAME,         /* (name, options) */
  SHAPE_NAME_TIMEOUT, /* (name, 0, options) */
  SHAPE_NAME_VERSION, /* (name, version, options) */
  SHAPE_RETAIN,       /* (name, version, TRUE, options) */
  SHAPE_RELEASE,      /* (name, version, FALSE, options) */
} Shape;

typedef struct
{
  const char *action, *parameter; /* "win.…", and the type of its target */
  const char *method;
  Shape shape;
  const char *heading, *body, *button; /* heading: with %s for the name; NULL: not asked */
  gboolean destructive;
  const char *option, *option_label; /* that is offered beside a reason; may be NULL */
  const char *done;                  /* for methods that answer with no reload */
  const char *reply;                 /* their type */
  const char *undo;                  /* the action that takes it back; may be NULL */
} Change;

static const Change changes[] = {
  { "win.rollback", "(ss)", "RollbackModule", SHAPE_NAME_VERSION, N_ ("Roll Back %s?"),
    N_ ("The other version serves new calls at once. Calls that run finish where they are; state is taken "
        "along."),
    N_ ("_Roll Back"), .destructive = FALSE },
  { "win.cluster-rollback", "(ss)", "ClusterRollback", SHAPE_NAME_VERSION, N_ ("Roll Back %s on All Nodes?"),
    N_ ("Every node of the cluster goes back, or none. Calls that run finish where they are; state is taken "
        "along."),
    N_ ("_Roll Back"), .destructive = FALSE },
  { "win.retain", "(ss)", "RetainVersion", SHAPE_RETAIN, .done = N_ ("The version is kept for ever"),
    .reply = "()", .undo = "win.release" },
  { "win.release", "(ss)", "RetainVersion", SHAPE_RELEASE,
    .done = N_ ("The version is kept by the usual rules"), .reply = "()", .undo = "win.retain" },
  { "win.unload", "s", "UnloadModule", SHAPE_NAME, N_ ("Unload %s?"),
    N_ ("Its tools are no longer offered to clients. Its versions and its last state are kept."),
    N_ ("_Unload"), .destructive = TRUE },
  { "win.drain", "s", "DrainModule", SHAPE_NAME_TIMEOUT, N_ ("Drain %s?"),
    N_ ("New calls are refused with a hint to try again; calls that run finish."), N_ ("_Drain"),
    .destructive = TRUE, .option = "force", .option_label = N_ ("_End calls that take too long") },
  { "win.resume", "s", "ResumeModule", SHAPE_NAME, NULL },
  { "win.sync", "s", "SyncVersions", SHAPE_NAME, N_ ("Sync What Differs?"),
    N_ ("Nodes that run another version than most are brought into line."), N_ ("_Sync"),
    .option = "clear-overrides", .option_label = N_ ("_Also nodes with a version of their own"),
    .reply = "(as)" },
  { "win.adopt-store", NULL, "AdoptStore", SHAPE_NONE, N_ ("Adopt the Store as It Is?"),
    N_ ("What the store says now is agreed again, also where it went back. Do so after a backup was "
        "restored."),
    N_ ("_Adopt"), .destructive = TRUE, .done = N_ ("The store was adopted"), .reply = "()" },
  { "win.commit", "(ss)", "CommitReload", SHAPE_NAME_VERSION, NULL },
  { "win.abort", "(ss)", "AbortReload", SHAPE_NAME_VERSION, NULL },
  { "win.confirm", "s", "ConfirmReload", SHAPE_NAME, NULL },
  { "win.revert", "s", "RevertReload", SHAPE_NAME, N_ ("Go Back to What Ran Before?"),
    N_ ("The version before this reload serves new calls again."), N_ ("_Go Back"), .destructive = FALSE },
  { "win.promote", "s", "PromoteRollout", SHAPE_NAME, NULL },
  { "win.pause-rollout", "s", "PauseRollout", SHAPE_NAME, NULL },
  { "win.resume-rollout", "s", "ResumeRollout", SHAPE_NAME, NULL },
  { "win.clear-override", "s", "ClearOverride", SHAPE_NAME, .done = N_ ("%s runs what was agreed on"),
    .reply = "()" },
  { "win.subscribe", "s", "SubscribeToToolUpdates", SHAPE_NAME, .done = N_ ("Subscribed to %s"),
    .reply = "(st)", .undo = "win.unsubscribe" },
  { "win.unsubscribe", "s", "UnsubscribeFromToolUpdates", SHAPE_NAME, .done = N_ ("Unsubscribed from %s"),
    .reply = "(b)", .undo = "win.subscribe" },
};

/* One that was asked for. */
typedef struct
{
  ColletWindow *window; /* a weak reference: it may be closed before the answer */
  const Change *change;
  char *name, *version;
  GtkWidget *reason, *option; /* while it is asked; may be NULL */
} Asked;

static void
free_asked (Asked *asked)
{
  g_clear_weak_pointer (&asked->window);
  g_free (asked->name);
  g_free (asked->version);
  g_free (asked);
}

static const Change *
find_change (const char *action)
{
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    if (g_str_equal (changes[i].action, action))
      return &changes[i];
  return NULL;
}

/* What takes it back, of the same thing. */
static GVariant *
make_undo_target (const Asked *asked)
{
  if (asked->change->undo == NULL)
    return NULL;
  return g_str_equal (asked->change->parameter, "(ss)") ? g_variant_new ("(ss)", asked->name, asked->version)
                                                        : g_variant_new_string (asked->name);
}

/* The table's texts are no literals to the compiler. */
static char *
dup_with_name (const char *text, const char *name)
{
  GString *made = g_string_new (text);

  g_string_replace (made, "%s", name, 1);
  return g_string_free (made, FALSE);
}

/* ---- errors ---- */

/* Another reload holds the module: look at that one instead. */
static gboolean
offer_holder (ColletWindow *self, const char *module, const GError *error)
{
  ColletItem *item =
      module != NULL
          ? collet_item_list_lookup (collet_service_get_list (self->service, COLLET_LIST_MODULES), module)
          : NULL;
  g_autofree char *id =
      item != NULL ? collet_bus_dup_name (COLLET_BUS_RELOADS, collet_item_get_string (item, "Reload")) : NULL;

  if (!g_error_matches (error, COLLET_ERROR, COLLET_ERROR_RELOAD_IN_PROGRESS) || id == NULL)
    return FALSE;
  g_autofree char *text = g_strdup_printf (_ ("%s is being changed already"), module);
  collet_window_toast (self, text, _ ("_Watch"), "win.open-reload", g_variant_new_string (id));
  return TRUE;
}

void
collet_window_toast_refusal (ColletWindow *self, const char *module, const GError *error)
{
  g_autofree char *what = NULL;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || offer_holder (self, module, error))
    return;
  if (g_error_matches (error, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED))
    what = g_strdup (_ ("Not authorised; nothing changed"));
  else if (g_error_matches (error, COLLET_CLIENT_ERROR, COLLET_CLIENT_ERROR_NO_ANSWER))
    what = g_strdup (_ ("No answer yet; look at Reloads"));
  else if (g_error_matches (error, COLLET_ERROR, COLLET_ERROR_NOT_SUPPORTED) ||
           g_error_matches (error, COLLET_CLIENT_ERROR, COLLET_CLIENT_ERROR_OLDER))
    what = g_strdup (_ ("This daemon does not offer that"));
  else
    what = g_strdup_printf (_ ("Not done: %s"), collet_error_name_of (error));
  collet_window_toast_error (self, what, error);
}

/* ---- asking the daemon ---- */

static const char *
get_shown_name (const Asked *asked)
{
  return g_str_equal (asked->name, "*") ? _ ("every tool") : asked->name;
}

/* The nodes that ran something else; nothing is claimed of the others. */
static char *
dup_synced (GVariant *reply)
{
  g_autofree const char **nodes = NULL;

  g_variant_get (reply, "(^a&s)", &nodes);
  if (nodes[0] == NULL)
    return g_strdup (_ ("No node had to be changed"));
  g_autofree char *names = g_strjoinv (", ", (char **)nodes);
  return g_strdup_printf (_ ("Brought into line: %s"), names);
}

static void
on_changed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Asked *asked = user_data;
  g_autoptr (GError) error = NULL;
  const char *type = asked->change->reply != NULL ? asked->change->reply : "(o)";
  g_autoptr (GVariant) reply = collet_service_call_finish (result, type, &error);
  ColletWindow *self = asked->window;

  if (self != NULL && reply == NULL)
    {
      if (g_error_matches (error, COLLET_ERROR, COLLET_ERROR_NOT_SUPPORTED))
        collet_window_disable (self, asked->change->action, error->message);
      collet_window_toast_refusal (self, asked->name, error);
    }
  else if (self != NULL && asked->change->reply != NULL)
    {
      g_autofree char *text = asked->change->done != NULL
                                  ? dup_with_name (_ (asked->change->done), get_shown_name (asked))
                                  : dup_synced (reply);
      collet_window_toast (self, text, asked->change->undo != NULL ? _ ("_Undo") : NULL, asked->change->undo,
                           make_undo_target (asked));
      collet_page_refresh (self->page);
    }
  else if (self != NULL)
    {
      const char *path;
      g_variant_get (reply, "(&o)", &path);
      collet_window_follow (self, path);
    }
  free_asked (asked);
}

static GVariant *
make_options (Asked *asked)
{
  GVariantBuilder options;
  const char *reason = asked->reason != NULL ? gtk_editable_get_text (GTK_EDITABLE (asked->reason)) : "";

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  if (*reason != '\0')
    g_variant_builder_add (&options, "{sv}", "reason", g_variant_new_string (reason));
  if (asked->option != NULL && gtk_check_button_get_active (GTK_CHECK_BUTTON (asked->option)))
    g_variant_builder_add (&options, "{sv}", asked->change->option, g_variant_new_boolean (TRUE));
  return g_variant_builder_end (&options);
}

static void
change (Asked *asked)
{
  GVariant *options = make_options (asked), *arguments = NULL;

  switch (asked->change->shape)
    {
    case SHAPE_NONE:
      arguments = g_variant_new ("(@a{sv})", options);
      break;
    case SHAPE_NAME_TIMEOUT:
      arguments = g_variant_new ("(su@a{sv})", asked->name, 0, options);
      break;
    case SHAPE_NAME_VERSION:
      arguments = g_variant_new ("(ss@a{sv})", asked->name, asked->version, options);
      break;
    case SHAPE_RETAIN:
    case SHAPE_RELEASE:
      arguments = g_variant_new ("(ssb@a{sv})", asked->name, asked->version,
                                 asked->change->shape == SHAPE_RETAIN, options);
      break;
    case SHAPE_NAME:
    default:
      arguments = g_variant_new ("(s@a{sv})", asked->name, options);
      break;
    }
  asked->reason = asked->option = NULL;
  collet_service_call (asked->window->service, asked->change->method, arguments, 0, NULL, on_changed, asked);
}

static void
on_response (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  Asked *asked = user_data;

  if (g_str_equal (response, "yes") && asked->window != NULL)
    change (asked);
  else
    free_asked (asked);
}

/* What is asked for beside yes or no. */
static GtkWidget *
make_questions (Asked *asked)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);

  if (asked->change->shape == SHAPE_NAME_VERSION)
    gtk_box_append (GTK_BOX (box),
                    collet_way_back_new (asked->window->service, asked->name, asked->version,
                                         g_str_equal (asked->change->method, "ClusterRollback")));
  asked->reason = gtk_entry_new ();
  gtk_entry_set_placeholder_text (GTK_ENTRY (asked->reason), _ ("Reason, for the history"));
  gtk_entry_set_activates_default (GTK_ENTRY (asked->reason), TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (asked->reason), GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Reason"),
                                  -1);
  gtk_box_append (GTK_BOX (box), asked->reason);
  if (asked->change->option == NULL)
    return box;
  asked->option = gtk_check_button_new_with_mnemonic (_ (asked->change->option_label));
  collet_widget_set_name (asked->option, _ (asked->change->option_label));
  gtk_box_append (GTK_BOX (box), asked->option);
  return box;
}

static void
ask (Asked *asked)
{
  g_autofree char *heading = dup_with_name (_ (asked->change->heading), asked->name);
  GtkWidget *dialog = adw_message_dialog_new (GTK_WINDOW (asked->window), heading, _ (asked->change->body));
  AdwMessageDialog *message = ADW_MESSAGE_DIALOG (dialog);

  adw_message_dialog_set_extra_child (message, make_questions (asked));
  adw_message_dialog_add_responses (message, "cancel", _ ("_Cancel"), "yes", _ (asked->change->button), NULL);
  adw_message_dialog_set_response_appearance (message, "yes",
                                              asked->change->destructive ? ADW_RESPONSE_DESTRUCTIVE
                                                                         : ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (message, "yes");
  adw_message_dialog_set_close_response (message, "cancel");
  g_signal_connect (dialog, "response", G_CALLBACK (on_response), asked);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
on_change (GtkWidget *widget, const char *action, GVariant *parameter)
{
  Asked *asked = g_new0 (Asked, 1);

  g_set_weak_pointer (&asked->window, COLLET_WINDOW (widget));
  asked->change = find_change (action);
  if (parameter == NULL)
    asked->name = g_strdup ("");
  else if (g_variant_is_of_type (parameter, G_VARIANT_TYPE_STRING))
    asked->name = g_variant_dup_string (parameter, NULL);
  else
    g_variant_get (parameter, "(ss)", &asked->name, &asked->version);
  if (asked->change->heading != NULL)
    ask (asked);
  else
    change (asked);
}

/* ---- going back ---- */

typedef struct
{
  ColletWindow *window;
  char *module;
} Undo;

static void
on_undone (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Undo *undo = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = collet_service_call_finish (result, "(o)", &error);

  if (undo->window != NULL && reply == NULL)
    collet_window_toast_refusal (undo->window, undo->module, error);
  else if (undo->window != NULL)
    {
      const char *path;
      g_variant_get (reply, "(&o)", &path);
      collet_window_follow (undo->window, path);
    }
  g_clear_weak_pointer (&undo->window);
  g_free (undo->module);
  g_free (undo);
}

/* To what the module was before the reload, unless it is something else by now; on
 * all nodes, if they agreed on it. */
static void
undo_item (ColletWindow *self, ColletItem *reload, ColletItem *item)
{
  const char *from = collet_item_get_string (item, "from"), *module = collet_item_get_string (item, "module");
  const char *to = collet_item_get_string (item, "to");
  gboolean is_drain = g_str_equal (collet_item_get_string (reload, "Kind"), "drain");
  gboolean is_agreed = collet_text_is_agreed (reload);
  Undo *undo = g_new0 (Undo, 1);
  GVariantBuilder options;
  g_autofree char *reason = g_strdup_printf ("Undo of %s", collet_item_get_string (reload, "Id"));

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&options, "{sv}", "reason", g_variant_new_string (reason));
  if (*to != '\0' && !is_agreed && !is_drain)
    g_variant_builder_add (&options, "{sv}", "expect-version", g_variant_new_string (to));
  g_set_weak_pointer (&undo->window, self);
  undo->module = g_strdup (module);
  collet_service_call (self->service,
                       is_agreed       ? "ClusterRollback"
                       : is_drain      ? "ResumeModule"
                       : *from != '\0' ? "RollbackModule"
                                       : "UnloadModule",
                       *from != '\0' && !is_drain ? g_variant_new ("(ssa{sv})", module, from, &options)
                                                  : g_variant_new ("(sa{sv})", module, &options),
                       0, NULL, on_undone, undo);
}

static void
undo_reload (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ColletWindow *self = COLLET_WINDOW (widget);
  const char *id = parameter != NULL ? g_variant_get_string (parameter, NULL) : self->last_change;
  ColletItem *reload =
      id != NULL ? collet_item_list_lookup (collet_service_get_list (self->service, COLLET_LIST_RELOADS), id)
                 : NULL;
  g_autoptr (GPtrArray) items = reload != NULL ? collet_item_dup_rows (reload, "Items") : NULL;

  if (items != NULL && items->len == 1)
    undo_item (self, reload, items->pdata[0]);
  else
    collet_window_toast (self, _ ("There is nothing to undo"), NULL, NULL, NULL);
}

static gboolean
can_undo (ColletItem *reload)
{
  g_autoptr (GPtrArray) items = collet_item_dup_rows (reload, "Items");
  const char *kind = collet_item_get_string (reload, "Kind");

  if (g_str_equal (kind, "drain"))
    return items->len == 1;
  /* What a whole cluster got for the first time no node goes back from. */
  if (collet_text_is_agreed (reload) &&
      (items->len != 1 || *collet_item_get_string (items->pdata[0], "from") == '\0'))
    return FALSE;
  return items->len == 1 && *collet_item_get_string (items->pdata[0], "to") != '\0' &&
         (g_str_equal (kind, "load") || g_str_equal (kind, "hot-reload") || g_str_equal (kind, "swap") ||
          g_str_equal (kind, "rollback"));
}

void
collet_window_on_reload_finished (ColletWindow *self, const char *path, gboolean success, const char *name,
                                  const char *message)
{
  g_autofree char *id = collet_bus_dup_name (COLLET_BUS_RELOADS, path);
  ColletItem *reload =
      id != NULL ? collet_item_list_lookup (collet_service_get_list (self->service, COLLET_LIST_RELOADS), id)
                 : NULL;

  /* Only of what was begun here; the others are in the list. */
  if (reload == NULL || !g_hash_table_remove (self->followed, id))
    return;
  g_autofree char *title = collet_text_dup_reload_title (reload);
  g_autofree char *text = g_strdup_printf (success ? _ ("%s succeeded") : _ ("%s did not succeed"), title);
  if (success && can_undo (reload))
    {
      g_free (self->last_change);
      self->last_change = g_strdup (id);
      collet_window_toast (self, text, _ ("_Undo"), "win.undo-reload", g_variant_new_string (id));
    }
  else
    collet_window_toast (self, text, _ ("_Show"), "win.open-reload", g_variant_new_string (id));
}

void
collet_window_follow (ColletWindow *self, const char *path)
{
  g_autofree char *id = collet_bus_dup_name (COLLET_BUS_RELOADS, path);

  if (id == NULL)
    return;
  ColletItem *reload =
      collet_item_list_lookup (collet_service_get_list (self->service, COLLET_LIST_RELOADS), id);
  g_hash_table_add (self->followed, g_strdup (id));
  collet_window_show (self, "reload", id);
  /* It may have ended before its path came. */
  if (reload != NULL && collet_item_get_int (reload, "FinishedAt") != 0)
    collet_window_on_reload_finished (self, path,
                                      g_str_equal (collet_item_get_string (reload, "State"), "succeeded"), "",
                                      "");
}

/* ---- cancelling ---- */

static void
on_cancelled (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (ColletWindow) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = collet_service_call_finish (result, "()", &error);

  if (reply == NULL && self->service != NULL)
    collet_window_toast_refusal (self, NULL, error);
}

static void
cancel_reload (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ColletWindow *self = COLLET_WINDOW (widget);
  g_autofree char *path = collet_bus_dup_path (COLLET_BUS_RELOADS, g_variant_get_string (parameter, NULL));

  collet_service_call_reload (self->service, path, "Cancel", NULL, NULL, on_cancelled, g_object_ref (self));
}

void
collet_window_actions_class_init (GtkWidgetClass *widget_class)
{
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    gtk_widget_class_install_action (widget_class, changes[i].action, changes[i].parameter, on_change);
  gtk_widget_class_install_action (widget_class, "win.undo", NULL, undo_reload);
  gtk_widget_class_install_action (widget_class, "win.undo-reload", "s", undo_reload);
  gtk_widget_class_install_action (widget_class, "win.cancel-reload", "s", cancel_reload);
}
