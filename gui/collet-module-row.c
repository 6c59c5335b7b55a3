/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-module-row.h"

#include <glib/gi18n.h>

#include "collet-rows.h"
#include "collet-text.h"

/* "20.1 kB, added …, kept for ever (reason)" */
static char *
dup_version_text (ColletItem *version)
{
  gint64 added = collet_item_get_int (version, "AddedAt");
  const char *why = collet_item_get_string (version, "RetainReason"),
             *signer = collet_item_get_string (version, "Signer");
  const char *trust = collet_item_get_string (version, "Trust");
  g_autofree char *size = collet_text_dup_size (collet_item_get_int (version, "Size"));
  g_autofree char *time = collet_text_dup_time (added);
  g_autoptr (GString) text = g_string_new (NULL);

  if (added > 0)
    g_string_append_printf (text, _ ("%s, added %s"), size, time);
  else
    g_string_append (text, size);
  if (collet_item_get_bool (version, "SignerRevoked"))
    g_string_append_printf (text, _ (", signed by %s, whose key was revoked"),
                            *signer != '\0' ? signer : _ ("somebody unknown"));
  else if (*signer != '\0')
    g_string_append_printf (text, _ (", signed by %s"), signer);
  else if (*trust != '\0')
    g_string_append_printf (text, ", %s", collet_text_of (COLLET_WORD_TRUST, trust));
  if (collet_item_get_bool (version, "Retained"))
    g_string_append (text, _ (", kept for ever"));
  if (*why != '\0')
    g_string_append_printf (text, " (%s)", why);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
add_pin (GtkWidget *row, const char *title, const char *module, const char *sha256, gboolean is_kept)
{
  g_autofree char *name =
      g_strdup_printf (is_kept ? _ ("Let go of %s by the usual rules") : _ ("Keep %s for ever"), title);
  GtkWidget *button = collet_row_add_button (row, "", is_kept ? "win.release" : "win.retain",
                                             g_variant_new ("(ss)", module, sha256));

  gtk_button_set_icon_name (GTK_BUTTON (button), is_kept ? "collet-kept-symbolic" : "collet-keep-symbolic");
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_tooltip_text (button, name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
}

GtkWidget *
collet_module_row_new_version (ColletItem *version, const char *module, const char *rollback)
{
  const char *sha256 = collet_item_get_string (version, "Version");
  g_autofree char *title =
      collet_text_dup_full_version (collet_item_get_string (version, "SemanticVersion"), sha256);
  g_autofree char *text = dup_version_text (version);
  GtkWidget *row = collet_row_new (title, text);

  gtk_widget_set_tooltip_text (row, sha256);
  if (collet_item_get_bool (version, "Active"))
    collet_row_add_status (row, COLLET_STATUS_OK, _ ("Runs now"));
  else
    {
      g_autofree char *label = g_strdup_printf (_ ("Roll back to %s"), title);
      GtkWidget *button =
          collet_row_add_button (row, _ ("Roll Back…"), rollback, g_variant_new ("(ss)", module, sha256));
      gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
    }
  add_pin (row, title, module, sha256, collet_item_get_bool (version, "Retained"));
  return row;
}

GtkWidget *
collet_module_row_new_reload (ColletItem *reload)
{
  g_autofree char *title = collet_text_dup_reload_title (reload);
  g_autofree char *time = collet_text_dup_time (collet_item_get_int (reload, "StartedAt"));
  const char *state = collet_item_get_string (reload, "State");
  GtkWidget *row = collet_row_new (title, time);

  collet_row_add_status (row, collet_text_status_of (COLLET_WORD_RELOAD_STATE, state),
                         collet_text_of (COLLET_WORD_RELOAD_STATE, state));
  collet_row_set_action (row, "win.open-reload",
                         g_variant_new_string (collet_item_get_string (reload, "Id")));
  return row;
}

GtkWidget *
collet_module_row_new_drain (ColletItem *drain)
{
  const char *state = collet_item_get_string (drain, "state");
  gint64 n = collet_item_get_int (drain, "in-flight"), deadline = collet_item_get_int (drain, "deadline");
  g_autofree char *title =
      g_strdup_printf (_ ("Generation %d"), (int)collet_item_get_int (drain, "generation"));
  g_autofree char *version = collet_text_dup_version (collet_item_get_string (drain, "version"));
  g_autofree char *age = collet_text_dup_duration (collet_item_get_int (drain, "oldest-call-ms") * 1000);
  g_autofree char *end = collet_text_dup_time (deadline);
  g_autoptr (GString) text = g_string_new (version);

  if (n > 0)
    g_string_append_printf (
        text, ngettext (", %d call in flight for %s", ", %d calls in flight, the oldest for %s", (gulong)n),
        (int)n, age);
  else
    g_string_append (text, _ (", no call in flight"));
  if (n > 0 && deadline > 0)
    g_string_append_printf (text, _ (", until %s"), end);
  GtkWidget *row = collet_row_new (title, text->str);
  collet_row_add_status (row, collet_text_status_of (COLLET_WORD_MODULE_STATE, state),
                         collet_text_of (COLLET_WORD_MODULE_STATE, state));
  return row;
}
