/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The required tests of the official JSON-Schema-Test-Suite, a case for each of its
 * files. The validator reads no other documents, so a schema that refers to some is
 * given them in its $defs, as an author would do it.
 */
#include "collet-error.h"
#include "collet-json-schema.h"

#include <string.h>

#define BASE "http://localhost:1234/draft2020-12/"

/* What is not supported. A group here that passes all the same fails the test. */
static const char *const left_out[] = {
  /* The metaschema is a document of its own. */
  "defs: validate definition against metaschema",
  "ref: remote ref, containing refs itself",
  /* So is a vocabulary; the one of 2020-12 is taken for granted. */
  "vocabulary: schema that uses custom metaschema with with no validation vocabulary",
  /* A document that goes by another name than its own: inside of one, there is one. */
  "refRemote: remote HTTP ref with different $id",
  "refRemote: remote HTTP ref with different URN $id",
  "refRemote: retrieved nested refs resolve relative to their URI not $id",
};

static const char *folder; /* of the suite */
static guint seen[G_N_ELEMENTS (left_out)];

/* With U+0001 for NUL, which the reader refuses on purpose. */
static char *
read_file (const char *path)
{
  g_autoptr (GError) error = NULL;
  char *text;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  for (char *p = text; (p = strstr (p, "\\u0000")); p += 6)
    p[5] = '1';
  return text;
}

/* Appends an object with an $id of its own; another one stays as it is. */
static void
append_identified (GString *out, const ColletJson *json, ColletJsonNode node, const char *id)
{
  gsize size;
  const char *raw = collet_json_get_raw (json, node, &size);

  if (collet_json_get_type (json, node) != COLLET_JSON_OBJECT || collet_json_member (json, node, "$id") != 0)
    {
      g_string_append_len (out, raw, (gssize)size);
      return;
    }
  g_string_append_printf (out, "{\"$id\":\"%s\"%s", id, collet_json_get_length (json, node) > 0 ? "," : "");
  g_string_append_len (out, raw + 1, (gssize)size - 1);
}

static void
append_documents (GString *out, const char *below)
{
  g_autofree char *path = g_build_filename (folder, "remotes", below, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (path, 0, &error);
  const char *name;

  g_assert_no_error (error);
  while ((name = g_dir_read_name (dir)))
    {
      g_autofree char *relative = *below ? g_strconcat (below, "/", name, NULL) : g_strdup (name);
      g_autofree char *id = g_strconcat (BASE, relative, NULL);
      g_autofree char *file = g_build_filename (path, name, NULL);
      g_autofree char *text = NULL;
      g_autoptr (ColletJson) json = NULL;

      if (g_file_test (file, G_FILE_TEST_IS_DIR))
        {
          append_documents (out, relative);
          continue;
        }
      text = read_file (file);
      json = collet_json_parse (text, -1, &error);
      g_assert_no_error (error);
      g_string_append_printf (out, ",\"%s\":", relative);
      append_identified (out, json, 0, id);
    }
}

/* The schema and all documents in one. */
static ColletJsonSchema *
compile_with_documents (const ColletJson *json, ColletJsonNode node, GError **error)
{
  g_autoptr (GString) text = g_string_new ("{\"$ref\":\"#/$defs/test\",\"$defs\":{\"test\":");
  g_autoptr (ColletJson) whole = NULL;

  append_identified (text, json, node, "http://localhost:1234/test.json");
  append_documents (text, "");
  g_string_append (text, "}}");
  whole = collet_json_parse (text->str, -1, error);
  return whole ? collet_json_schema_new (whole, 0, error) : NULL;
}

/* The number of wrong answers; all of them if there is no schema. */
static guint
count_wrong (const ColletJson *json, ColletJsonNode group)
{
  ColletJsonNode tests = collet_json_member (json, group, "tests");
  ColletJsonNode node = collet_json_member (json, group, "schema");
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletJsonSchema) schema = collet_json_schema_new (json, node, &error);
  guint wrong = 0;

  if (!schema && strstr (error->message, "outside of this document"))
    {
      g_clear_error (&error);
      schema = compile_with_documents (json, node, &error);
    }
  if (!schema)
    {
      g_test_message ("refused: %s", error->message);
      return collet_json_get_length (json, tests);
    }
  for (ColletJsonNode test = collet_json_first (json, tests); test; test = collet_json_next (json, test))
    {
      g_autofree char *what = collet_json_dup_string (json, collet_json_member (json, test, "description"));
      ColletJsonNode valid = collet_json_member (json, test, "valid");
      ColletJsonNode data = collet_json_member (json, test, "data");
      gboolean is_valid =
          collet_json_schema_validate (schema, json, data, COLLET_ERROR_INVALID_ARGUMENTS, NULL);

      if (is_valid == (collet_json_get_type (json, valid) == COLLET_JSON_TRUE))
        continue;
      g_test_message ("wrong: %s", what);
      wrong++;
    }
  return wrong;
}

static gboolean
is_left_out (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (left_out); i++)
    if (strcmp (left_out[i], name) == 0)
      {
        seen[i]++;
        return TRUE;
      }
  return FALSE;
}

static void
test_file (gconstpointer data)
{
  const char *name = data;
  g_autofree char *file = g_strconcat (name, ".json", NULL);
  g_autofree char *path = g_build_filename (folder, file, NULL);
  g_autofree char *text = read_file (path);
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletJson) json = collet_json_parse (text, -1, &error);
  guint n_groups = 0;

  g_assert_no_error (error);
  for (ColletJsonNode group = collet_json_first (json, 0); group; group = collet_json_next (json, group))
    {
      g_autofree char *what = collet_json_dup_string (json, collet_json_member (json, group, "description"));
      g_autofree char *full = g_strdup_printf ("%s: %s", name, what);

      g_test_message ("%s", full);
      if (is_left_out (full))
        g_assert_cmpuint (count_wrong (json, group), >, 0);
      else
        g_assert_cmpuint (count_wrong (json, group), ==, 0);
      n_groups++;
    }
  g_assert_cmpuint (n_groups, >, 0);
}

static void
test_left_out (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (left_out); i++)
    if (seen[i] != 1)
      g_error ("\"%s\" was seen %u times", left_out[i], seen[i]);
}

int
main (int argc, char **argv)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *path = NULL;
  g_autoptr (GDir) dir = NULL;
  const char *name;
  int status;

  g_test_init (&argc, &argv, NULL);
  folder = path = g_test_build_filename (G_TEST_DIST, "core", "json-schema-test-suite", NULL);
  dir = g_dir_open (folder, 0, NULL);
  while (dir && (name = g_dir_read_name (dir)))
    if (g_str_has_suffix (name, ".json"))
      g_ptr_array_add (names, g_strndup (name, strlen (name) - strlen (".json")));
  if (names->len < 40)
    g_error ("%s: %u files of the suite are not all of them", folder, names->len);
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *test = g_strconcat ("/core/json-schema-suite/", names->pdata[i], NULL);
      g_test_add_data_func (test, names->pdata[i], test_file);
    }
  /* Last: the cases run in the order of their names within a suite only if said so. */
  g_test_add_func ("/core/json-schema-suite-list/leaves-out-what-there-is", test_left_out);
  status = g_test_run ();
  return status;
}
