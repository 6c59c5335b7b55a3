/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-rows.h"

#include <glib/gi18n.h>

#include "collet-window.h"

#define ROWS "collet-rows"
#define VALUE "collet-value"

GtkWidget *
collet_row_new (const char *title, const char *subtitle)
{
  GtkWidget *row = g_object_new (ADW_TYPE_ACTION_ROW, "use-markup", FALSE, NULL);

  collet_row_set (row, title, subtitle);
  return row;
}

void
collet_row_set (GtkWidget *row, const char *title, const char *subtitle)
{
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle != NULL ? subtitle : "");
}

GtkWidget *
collet_fact_new (const char *name)
{
  GtkWidget *row = collet_row_new (name, NULL);
  GtkWidget *value = g_object_new (GTK_TYPE_LABEL, "selectable", TRUE, "ellipsize", PANGO_ELLIPSIZE_MIDDLE,
                                   "xalign", 1.0, "width-chars", 6, "hexpand", TRUE, NULL);

  gtk_widget_add_css_class (value, "dim-label");
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), value);
  g_object_set_data (G_OBJECT (row), VALUE, value);
  return row;
}

void
collet_fact_set (GtkWidget *row, const char *value)
{
  GtkWidget *label = g_object_get_data (G_OBJECT (row), VALUE);

  if (g_strcmp0 (gtk_label_get_label (GTK_LABEL (label)), value) != 0)
    gtk_label_set_label (GTK_LABEL (label), value);
  gtk_widget_set_tooltip_text (label, *value != '\0' ? value : NULL);
  gtk_widget_set_visible (row, *value != '\0');
}

GtkWidget *
collet_row_add_status (GtkWidget *row, ColletStatusKind kind, const char *word)
{
  GtkWidget *status = collet_status_new ();

  collet_status_set (COLLET_STATUS (status), kind, word);
  gtk_widget_set_valign (status, GTK_ALIGN_CENTER);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), status);
  return status;
}

void
collet_widget_set_name (GtkWidget *widget, const char *label)
{
  g_auto (GStrv) parts = g_strsplit (label, "_", 2);
  g_autofree char *name = g_strjoinv ("", parts);

  /* The label in it would be read as well, or in place of the name. */
  gtk_accessible_reset_relation (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_RELATION_LABELLED_BY);
  gtk_accessible_update_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
}

/* Of a menu; newer versions of GTK tell a screen reader no name of it. */
static void
name_menu_item (GtkWidget *widget)
{
  g_autofree char *text = NULL;

  if (gtk_accessible_get_accessible_role (GTK_ACCESSIBLE (widget)) != GTK_ACCESSIBLE_ROLE_MENU_ITEM ||
      g_object_class_find_property (G_OBJECT_GET_CLASS (widget), "text") == NULL)
    return;
  g_object_get (widget, "text", &text, NULL);
  if (text != NULL)
    collet_widget_set_name (widget, text);
}

/* What does nothing now says why, in the place of what else it has to say. */
static gboolean
on_query_reason (GtkWidget *button, int x, int y, gboolean by_keyboard, GtkTooltip *tooltip)
{
  const char *action = gtk_actionable_get_action_name (GTK_ACTIONABLE (button));
  ColletWindow *window = collet_window_of (button);
  const char *reason = window != NULL && action != NULL ? collet_window_get_reason (window, action) : NULL;

  gtk_tooltip_set_text (tooltip, reason);
  return reason != NULL;
}

static void
explain (GtkWidget *button)
{
  gtk_widget_set_has_tooltip (button, TRUE);
  g_signal_connect (button, "query-tooltip", G_CALLBACK (on_query_reason), NULL);
}

/* GTK 4.18 forgets the names of a menu's items until it is there. */
static void
name_menu_when_shown (GtkMenuButton *button)
{
  GtkPopover *popover = gtk_menu_button_get_popover (button);

  if (popover == NULL)
    return;
  g_signal_handlers_disconnect_by_func (popover, collet_widget_name_parts, NULL);
  g_signal_connect (popover, "map", G_CALLBACK (collet_widget_name_parts), NULL);
}

void
collet_widget_name_parts (GtkWidget *widget)
{
  const char *label = NULL;

  name_menu_item (widget);
  if (GTK_IS_MENU_BUTTON (widget))
    name_menu_when_shown (GTK_MENU_BUTTON (widget));
  if (GTK_IS_BUTTON (widget) && gtk_actionable_get_action_name (GTK_ACTIONABLE (widget)) != NULL)
    explain (widget);

  if (ADW_IS_EXPANDER_ROW (widget))
    gtk_accessible_update_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                    adw_preferences_row_get_title (ADW_PREFERENCES_ROW (widget)), -1);
  if (GTK_IS_BUTTON (widget) && gtk_button_get_use_underline (GTK_BUTTON (widget)))
    label = gtk_button_get_label (GTK_BUTTON (widget));
  else if (GTK_IS_MENU_BUTTON (widget) && gtk_menu_button_get_use_underline (GTK_MENU_BUTTON (widget)))
    label = gtk_menu_button_get_label (GTK_MENU_BUTTON (widget));
  if (label != NULL)
    collet_widget_set_name (widget, label);
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL && label == NULL;
       child = gtk_widget_get_next_sibling (child))
    collet_widget_name_parts (child);
}

void
collet_button_set_label (GtkWidget *button, const char *label)
{
  gtk_button_set_label (GTK_BUTTON (button), label);
  gtk_button_set_use_underline (GTK_BUTTON (button), TRUE);
  collet_widget_set_name (button, label);
}

GtkWidget *
collet_row_add_button (GtkWidget *row, const char *label, const char *action, GVariant *target)
{
  GtkWidget *button = gtk_button_new ();

  explain (button);
  collet_button_set_label (button, label);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_actionable_set_action_target_value (GTK_ACTIONABLE (button), target);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), action);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
  return button;
}

static void
on_copy (GtkWidget *button, gpointer user_data)
{
  GtkWidget *row = user_data;
  g_autofree char *text =
      g_strdup_printf ("%s: %s", adw_preferences_row_get_title (ADW_PREFERENCES_ROW (row)),
                       adw_action_row_get_subtitle (ADW_ACTION_ROW (row)));

  gdk_clipboard_set_text (gtk_widget_get_clipboard (row), text);
  /* That something happened is seen, and heard, on the button. */
  collet_button_set_label (button, _ ("Copied"));
}

GtkWidget *
collet_row_new_problem (const char *name, const char *text)
{
  GtkWidget *row = collet_row_new (name, text);
  GtkWidget *button = collet_row_add_button (row, _ ("Cop_y"), NULL, NULL);

  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 0);
  g_signal_connect (button, "clicked", G_CALLBACK (on_copy), row);
  return row;
}

void
collet_row_set_action (GtkWidget *row, const char *action, GVariant *target)
{
  GtkWidget *arrow = gtk_image_new_from_icon_name ("go-next-symbolic");

  adw_action_row_add_suffix (ADW_ACTION_ROW (row), arrow);
  gtk_actionable_set_action_target_value (GTK_ACTIONABLE (row), target);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (row), action);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), TRUE);
}

void
collet_group_add (AdwPreferencesGroup *group, GtkWidget *row)
{
  GPtrArray *rows = g_object_get_data (G_OBJECT (group), ROWS);

  if (rows == NULL)
    {
      rows = g_ptr_array_new ();
      g_object_set_data_full (G_OBJECT (group), ROWS, rows, (GDestroyNotify)g_ptr_array_unref);
    }
  g_ptr_array_add (rows, row);
  adw_preferences_group_add (group, row);
}

void
collet_group_clear (AdwPreferencesGroup *group)
{
  GPtrArray *rows = g_object_get_data (G_OBJECT (group), ROWS);

  if (rows == NULL)
    return;
  for (guint i = 0; i < rows->len; i++)
    adw_preferences_group_remove (group, rows->pdata[i]);
  g_ptr_array_set_size (rows, 0);
}
