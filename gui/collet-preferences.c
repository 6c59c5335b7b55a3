/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-preferences.h"

struct _ColletPreferences
{
  AdwPreferencesWindow parent_instance;
  GtkWidget *page, *bus, *colours, *failures, *updates;
};

G_DEFINE_FINAL_TYPE (ColletPreferences, collet_preferences, ADW_TYPE_PREFERENCES_WINDOW)

/* In the order of the rows. */
static const char *const buses[] = { "any", "session", "system", NULL };
static const char *const schemes[] = { "default", "light", "dark", NULL };

static gboolean
word_to_row (GValue *value, GVariant *variant, gpointer words)
{
  const char *word = g_variant_get_string (variant, NULL);

  for (guint i = 0; ((const char *const *)words)[i] != NULL; i++)
    if (g_str_equal (((const char *const *)words)[i], word))
      {
        g_value_set_uint (value, i);
        return TRUE;
      }
  return FALSE;
}

static GVariant *
row_to_word (const GValue *value, const GVariantType *type, gpointer words)
{
  guint row = g_value_get_uint (value);

  return row < g_strv_length (words) ? g_variant_new_string (((const char *const *)words)[row]) : NULL;
}

static void
bind_words (GSettings *settings, const char *name, GtkWidget *row, const char *const *words)
{
  g_settings_bind_with_mapping (settings, name, row, "selected", G_SETTINGS_BIND_DEFAULT, word_to_row,
                                row_to_word, (gpointer)words, NULL);
}

static void
collet_preferences_class_init (ColletPreferencesClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  gtk_widget_class_set_template_from_resource (widget_class, "/org/collet/Collet/collet-preferences.ui");
  gtk_widget_class_bind_template_child (widget_class, ColletPreferences, page);
  gtk_widget_class_bind_template_child (widget_class, ColletPreferences, bus);
  gtk_widget_class_bind_template_child (widget_class, ColletPreferences, colours);
  gtk_widget_class_bind_template_child (widget_class, ColletPreferences, failures);
  gtk_widget_class_bind_template_child (widget_class, ColletPreferences, updates);
}

static void
collet_preferences_init (ColletPreferences *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
collet_preferences_new (ColletApp *app)
{
  ColletPreferences *self = g_object_new (COLLET_TYPE_PREFERENCES, NULL);
  GSettings *settings = app != NULL ? collet_app_get_settings (app) : NULL;

  gtk_widget_set_sensitive (self->page, settings != NULL);
  if (settings == NULL)
    return GTK_WIDGET (self);
  bind_words (settings, "bus", self->bus, buses);
  bind_words (settings, "color-scheme", self->colours, schemes);
  g_settings_bind (settings, "notify-failures", self->failures, "active", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (settings, "notify-updates", self->updates, "active", G_SETTINGS_BIND_DEFAULT);
  return GTK_WIDGET (self);
}
