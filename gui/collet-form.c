/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-form.h"

#include <glib/gi18n.h>
#include <json-glib/json-glib.h>

#include "collet-error.h"
#include "collet-rows.h"

/* More are asked for as one text of JSON. */
#define MAX_FIELDS 64

typedef enum
{
  FIELD_TEXT,
  FIELD_NUMBER,
  FIELD_INTEGER,
  FIELD_BOOLEAN,
  FIELD_CHOICE,
  FIELD_JSON,  /* any value */
  FIELD_WHOLE, /* the whole object */
} FieldKind;

typedef struct
{
  char *name;
  FieldKind kind;
  gboolean is_required;
  GtkWidget *row;
  GtkWidget *control; /* a switch; else NULL */
  JsonArray *choices;
} Field;

struct _ColletForm
{
  AdwBin parent_instance;
  AdwPreferencesGroup *group;
  GPtrArray *fields;
  char *schema;
};

G_DEFINE_FINAL_TYPE (ColletForm, collet_form, ADW_TYPE_BIN)

static void
free_field (gpointer data)
{
  Field *field = data;

  g_free (field->name);
  g_clear_pointer (&field->choices, json_array_unref);
  g_free (field);
}

static void
collet_form_finalize (GObject *object)
{
  ColletForm *self = COLLET_FORM (object);

  g_ptr_array_unref (self->fields);
  g_free (self->schema);
  G_OBJECT_CLASS (collet_form_parent_class)->finalize (object);
}

static void
collet_form_class_init (ColletFormClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = collet_form_finalize;
}

/* The group has no title that its list could be called by. */
static void
name_list (GtkWidget *widget)
{
  if (GTK_IS_LIST_BOX (widget))
    collet_widget_set_name (widget, _ ("Arguments"));
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    name_list (child);
}

static void
collet_form_init (ColletForm *self)
{
  self->fields = g_ptr_array_new_with_free_func (free_field);
  self->group = ADW_PREFERENCES_GROUP (adw_preferences_group_new ());
  adw_bin_set_child (ADW_BIN (self), GTK_WIDGET (self->group));
  name_list (GTK_WIDGET (self->group));
}

GtkWidget *
collet_form_new (void)
{
  return g_object_new (COLLET_TYPE_FORM, NULL);
}

/* ---- from the schema ---- */

static const char *
get_text (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node)
                                                                          : NULL;
}

static JsonArray *
get_array (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static JsonObject *
get_object (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static FieldKind
get_kind (JsonObject *property)
{
  const char *type = get_text (property, "type");

  if (get_array (property, "enum") != NULL)
    return FIELD_CHOICE;
  if (g_strcmp0 (type, "string") == 0)
    return FIELD_TEXT;
  if (g_strcmp0 (type, "number") == 0)
    return FIELD_NUMBER;
  if (g_strcmp0 (type, "integer") == 0)
    return FIELD_INTEGER;
  if (g_strcmp0 (type, "boolean") == 0)
    return FIELD_BOOLEAN;
  return FIELD_JSON;
}

static gboolean
is_required (JsonObject *schema, const char *name)
{
  JsonArray *required = get_array (schema, "required");

  for (guint i = 0; required != NULL && i < json_array_get_length (required); i++)
    if (g_strcmp0 (json_node_get_value_type (json_array_get_element (required, i)) == G_TYPE_STRING
                       ? json_array_get_string_element (required, i)
                       : NULL,
                   name) == 0)
      return TRUE;
  return FALSE;
}

static GtkWidget *
make_choice (Field *field, const char *title, JsonArray *choices)
{
  GtkWidget *row = adw_combo_row_new ();
  g_autoptr (GtkStringList) list = gtk_string_list_new (NULL);

  field->choices = json_array_ref (choices);
  if (!field->is_required)
    gtk_string_list_append (list, _ ("Not given"));
  for (guint i = 0; i < json_array_get_length (choices); i++)
    {
      JsonNode *choice = json_array_get_element (choices, i);
      g_autofree char *text = json_node_get_value_type (choice) == G_TYPE_STRING
                                  ? json_node_dup_string (choice)
                                  : json_to_string (choice, FALSE);
      gtk_string_list_append (list, text);
    }
  g_object_set (row, "use-markup", FALSE, "title", title, "model", list, NULL);
  return row;
}

static GtkWidget *
make_boolean (Field *field, const char *title, const char *description)
{
  GtkWidget *row = collet_row_new (title, description);

  field->control = gtk_switch_new ();
  gtk_widget_set_valign (field->control, GTK_ALIGN_CENTER);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), field->control);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), field->control);
  return row;
}

static void
on_changed (GtkWidget *row)
{
  gtk_widget_remove_css_class (row, "error");
}

static void
add_field (ColletForm *self, const char *name, FieldKind kind, gboolean required, JsonObject *property)
{
  static const char *const kinds[] = {
    [FIELD_TEXT] = N_ ("text"),
    [FIELD_NUMBER] = N_ ("number"),
    [FIELD_INTEGER] = N_ ("whole number"),
    [FIELD_BOOLEAN] = "",
    [FIELD_CHOICE] = "",
    [FIELD_JSON] = N_ ("JSON"),
    [FIELD_WHOLE] = N_ ("arguments as a JSON object"),
  };
  Field *field = g_new0 (Field, 1);
  const char *description = property != NULL ? get_text (property, "description") : NULL;
  g_autofree char *title = NULL;

  field->name = g_strdup (name);
  field->kind = kind;
  field->is_required = required;
  if (kind == FIELD_WHOLE)
    title = g_strdup (_ (kinds[kind]));
  else if (kind == FIELD_BOOLEAN || kind == FIELD_CHOICE)
    title = g_strdup (name);
  else
    /* Translators: name of an argument, and what kind of thing it is */
    title =
        g_strdup_printf (required ? _ ("%s (%s)") : _ ("%s (%s, may be left out)"), name, _ (kinds[kind]));

  if (kind == FIELD_CHOICE)
    field->row = make_choice (field, title, get_array (property, "enum"));
  else if (kind == FIELD_BOOLEAN)
    field->row = make_boolean (field, title, description);
  else
    {
      field->row = g_object_new (ADW_TYPE_ENTRY_ROW, "use-markup", FALSE, "title", title, NULL);
      g_signal_connect (field->row, "changed", G_CALLBACK (on_changed), NULL);
    }
  gtk_widget_set_tooltip_text (field->row, description);
  collet_group_add (self->group, field->row);
  g_ptr_array_add (self->fields, field);
}

static GHashTable *
dup_texts (ColletForm *self)
{
  GHashTable *texts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (guint i = 0; i < self->fields->len; i++)
    {
      Field *field = self->fields->pdata[i];
      if (GTK_IS_EDITABLE (field->row))
        g_hash_table_insert (texts, g_strdup (field->name),
                             g_strdup (gtk_editable_get_text (GTK_EDITABLE (field->row))));
    }
  return texts;
}

static void
restore_texts (ColletForm *self, GHashTable *texts)
{
  for (guint i = 0; i < self->fields->len; i++)
    {
      Field *field = self->fields->pdata[i];
      const char *text = g_hash_table_lookup (texts, field->name);
      if (text != NULL && GTK_IS_EDITABLE (field->row))
        gtk_editable_set_text (GTK_EDITABLE (field->row), text);
    }
}

static void
fill (ColletForm *self, JsonObject *schema)
{
  JsonObject *members = schema != NULL ? get_object (schema, "properties") : NULL;
  /* Without properties nothing is asked for, unless anything may be given. */
  gboolean is_closed =
      schema != NULL && (members != NULL || json_object_has_member (schema, "additionalProperties"));

  if (!is_closed || (members != NULL && json_object_get_size (members) > MAX_FIELDS))
    {
      add_field (self, "", FIELD_WHOLE, FALSE, NULL);
      return;
    }
  g_autoptr (GList) names = members != NULL ? json_object_get_members (members) : NULL;
  for (GList *name = names; name != NULL; name = name->next)
    {
      JsonObject *property = get_object (members, name->data);
      add_field (self, name->data, property != NULL ? get_kind (property) : FIELD_JSON,
                 is_required (schema, name->data), property);
    }
}

void
collet_form_set_schema (ColletForm *self, const char *schema)
{
  g_autoptr (JsonParser) parser = json_parser_new ();

  if (g_strcmp0 (schema, self->schema) == 0)
    return;
  g_free (self->schema);
  self->schema = g_strdup (schema);
  g_autoptr (GHashTable) texts = dup_texts (self);
  collet_group_clear (self->group);
  g_ptr_array_set_size (self->fields, 0);
  JsonNode *root =
      json_parser_load_from_data (parser, schema, -1, NULL) ? json_parser_get_root (parser) : NULL;
  fill (self, root != NULL && JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL);
  /* A tool that was replaced meanwhile takes most of what was typed in, as a rule. */
  restore_texts (self, texts);
}

/* ---- to arguments ---- */

static JsonNode *
refuse (Field *field, GError **error, const char *what)
{
  gtk_widget_add_css_class (field->row, "error");
  gtk_widget_grab_focus (field->row);
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT, "%s: %s",
               *field->name != '\0' ? field->name : _ ("Arguments"), what);
  return NULL;
}

static JsonNode *
read_number (Field *field, const char *text, GError **error)
{
  JsonNode *node = json_node_new (JSON_NODE_VALUE);
  gint64 integer;
  char *end = NULL;
  double number = g_ascii_strtod (text, &end);

  if (g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, &integer, NULL))
    json_node_set_int (node, integer);
  else if (field->kind == FIELD_NUMBER && *end == '\0' && number - number == 0)
    json_node_set_double (node, number);
  else
    {
      json_node_unref (node);
      return refuse (field, error,
                     field->kind == FIELD_NUMBER ? _ ("a number is wanted") : _ ("a whole number is wanted"));
    }
  return node;
}

static JsonNode *
read_json (Field *field, const char *text, GError **error)
{
  g_autoptr (GError) reason = NULL;
  JsonNode *node = json_from_string (text, &reason);

  return node != NULL ? node : refuse (field, error, _ ("JSON is wanted"));
}

/* NULL without an error: it is left out. */
static JsonNode *
read_field (Field *field, GError **error)
{
  if (field->kind == FIELD_BOOLEAN)
    {
      gboolean active = gtk_switch_get_active (GTK_SWITCH (field->control));
      if (!active && !field->is_required)
        return NULL;
      JsonNode *node = json_node_new (JSON_NODE_VALUE);
      json_node_set_boolean (node, active);
      return node;
    }
  if (field->kind == FIELD_CHOICE)
    {
      guint selected = adw_combo_row_get_selected (ADW_COMBO_ROW (field->row)),
            offset = field->is_required ? 0 : 1;
      return selected >= offset && selected - offset < json_array_get_length (field->choices)
                 ? json_node_copy (json_array_get_element (field->choices, selected - offset))
                 : NULL;
    }
  const char *text = gtk_editable_get_text (GTK_EDITABLE (field->row));
  /* An empty text is one only where there has to be one. */
  if (*text == '\0' && !(field->kind == FIELD_TEXT && field->is_required))
    return field->is_required ? refuse (field, error, _ ("it has to be given")) : NULL;
  if (field->kind == FIELD_TEXT)
    {
      JsonNode *node = json_node_new (JSON_NODE_VALUE);
      json_node_set_string (node, text);
      return node;
    }
  return field->kind == FIELD_NUMBER || field->kind == FIELD_INTEGER ? read_number (field, text, error)
                                                                     : read_json (field, text, error);
}

char *
collet_form_dup_arguments (ColletForm *self, GError **error)
{
  g_autoptr (JsonObject) arguments = json_object_new ();
  g_autoptr (JsonNode) root = NULL;

  for (guint i = 0; i < self->fields->len; i++)
    {
      Field *field = self->fields->pdata[i];
      g_autoptr (GError) reason = NULL;
      JsonNode *node = read_field (field, &reason);

      if (reason != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&reason));
          return NULL;
        }
      if (node == NULL)
        continue;
      if (field->kind != FIELD_WHOLE)
        {
          json_object_set_member (arguments, field->name, node);
          continue;
        }
      root = node;
      if (!JSON_NODE_HOLDS_OBJECT (root))
        {
          refuse (field, error, _ ("a JSON object is wanted"));
          return NULL;
        }
    }
  if (root == NULL)
    {
      root = json_node_new (JSON_NODE_OBJECT);
      json_node_set_object (root, arguments);
    }
  return json_to_string (root, FALSE);
}

GtkWidget *
collet_form_get_field (ColletForm *self, const char *name)
{
  for (guint i = 0; i < self->fields->len; i++)
    {
      Field *field = self->fields->pdata[i];
      if (g_str_equal (field->name, name))
        return field->control != NULL ? field->control : field->row;
    }
  return NULL;
}
