/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-manifest-private.h"

#include <stdlib.h>
#include <string.h>

#include "collet-error.h"

#define MAX_NAME 64
#define MAX_VERSION 128
#define MAX_DESCRIPTION 4096
#define MAX_LICENSE 256
#define MAX_REQUIRED 64
#define MAX_DAY_S 86400
#define MAX_CALL_MS 86400000

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

gboolean
collet_manifest_is_module_name (const char *name)
{
  gsize length = strlen (name);

  return length >= 1 && length <= MAX_NAME && *name != '_' && *name != '.' && *name != '-' &&
         strspn (name, LOWER DIGITS "_.-") == length;
}

/* A number without leading zeros; returns where it ends, NULL if there is none. */
static const char *
skip_number (const char *p)
{
  gsize length = strspn (p, DIGITS);

  return length == 0 || (length > 1 && *p == '0') ? NULL : p + length;
}

/* Identifiers with dots between; in a pre-release, one of digits alone has no
 * leading zeros. */
static const char *
skip_identifiers (const char *p, gboolean is_prerelease)
{
  for (;;)
    {
      gsize length = strspn (p, UPPER LOWER DIGITS "-");
      if (length == 0 || (is_prerelease && length > 1 && *p == '0' && strspn (p, DIGITS) == length))
        return NULL;
      p += length;
      if (*p != '.')
        return p;
      p++;
    }
}

static gboolean
is_semantic_version (const char *text)
{
  const char *p = skip_number (text);

  for (guint i = 0; i < 2; i++)
    p = p != NULL && *p == '.' ? skip_number (p + 1) : NULL;
  if (p != NULL && *p == '-')
    p = skip_identifiers (p + 1, TRUE);
  if (p != NULL && *p == '+')
    p = skip_identifiers (p + 1, FALSE);
  return p != NULL && *p == '\0';
}

static int
compare_tools (const void *a, const void *b)
{
  return strcmp ((*(ColletManifestTool *const *)a)->name, (*(ColletManifestTool *const *)b)->name);
}

static int
compare_strings (const void *a, const void *b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

static gboolean
read_identity (ColletManifestReader *reader, ColletManifest *manifest)
{
  if (!collet_manifest_reader_take_string (reader, "name", MAX_NAME, &manifest->name) ||
      !collet_manifest_reader_require (reader, "name", manifest->name))
    return FALSE;
  if (!collet_manifest_is_module_name (manifest->name))
    return collet_manifest_refuse (
        reader->json, collet_json_member (reader->json, reader->object, "name"), reader->error,
        "1 to %d lower-case letters, digits, '_', '-' and '.', beginning with a letter or digit", MAX_NAME);
  if (!collet_manifest_reader_take_string (reader, "version", MAX_VERSION, &manifest->version) ||
      !collet_manifest_reader_require (reader, "version", manifest->version))
    return FALSE;
  if (!is_semantic_version (manifest->version))
    return collet_manifest_refuse (reader->json, collet_json_member (reader->json, reader->object, "version"),
                                   reader->error, "a semantic version such as 1.2.3 or 1.2.3-rc.1");
  return collet_manifest_reader_take_string (reader, "description", MAX_DESCRIPTION,
                                             &manifest->description) &&
         collet_manifest_reader_take_string (reader, "license", MAX_LICENSE, &manifest->license);
}

static gboolean
read_needs (ColletManifestReader *outer, ColletJsonNode node, ColletManifest *manifest)
{
  ColletManifestReader reader;

  if (node == 0)
    return TRUE;
  return collet_manifest_reader_init (&reader, outer->json, node, outer->error) &&
         collet_manifest_reader_take_boolean (&reader, "network", &manifest->needs_network) &&
         collet_manifest_reader_finish (&reader);
}

static gboolean
read_state (ColletManifestReader *outer, ColletJsonNode node, ColletManifest *manifest)
{
  ColletManifestReader reader;

  if (node == 0)
    return TRUE;
  manifest->stateful = TRUE;
  if (!collet_manifest_reader_init (&reader, outer->json, node, outer->error) ||
      !collet_manifest_reader_take_number (&reader, "format", 1, G_MAXUINT32, &manifest->state_format) ||
      !collet_manifest_reader_take_number (&reader, "snapshot_interval_s", 0, MAX_DAY_S,
                                           &manifest->snapshot_interval_s))
    return FALSE;
  if (manifest->state_format == 0)
    return collet_manifest_refuse_plain (outer->json, node, outer->error,
                                         "lacks \"format\", which is required");
  return collet_manifest_reader_finish (&reader);
}

static gboolean
read_required_module (ColletManifestReader *reader, ColletJsonNode node, ColletManifest *manifest,
                      GPtrArray *names)
{
  char *name = collet_json_dup_string (reader->json, node);

  if (name == NULL)
    return collet_manifest_refuse (reader->json, node, reader->error, "a string, the name of a module");
  g_ptr_array_add (names, name);
  if (!collet_manifest_is_module_name (name))
    return collet_manifest_refuse (reader->json, node, reader->error, "the name of a module");
  if (strcmp (name, manifest->name) == 0)
    return collet_manifest_refuse_plain (reader->json, node, reader->error, "the module requires itself");
  for (guint i = 0; i + 1 < names->len; i++)
    if (strcmp (names->pdata[i], name) == 0)
      return collet_manifest_refuse_plain (reader->json, node, reader->error, "\"%s\" is there twice", name);
  return TRUE;
}

static gboolean
read_requires (ColletManifestReader *reader, ColletJsonNode node, ColletManifest *manifest)
{
  const ColletJson *json = reader->json;
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  if (node != 0 && (collet_json_get_type (json, node) != COLLET_JSON_ARRAY ||
                    collet_json_get_length (json, node) > MAX_REQUIRED))
    return collet_manifest_refuse (json, node, reader->error, "an array of at most %d names of modules",
                                   MAX_REQUIRED);
  for (ColletJsonNode item = node != 0 ? collet_json_first (json, node) : 0; item != 0;
       item = collet_json_next (json, item))
    if (!read_required_module (reader, item, manifest, names))
      return FALSE;
  if (names->len > 1)
    qsort (names->pdata, names->len, sizeof (gpointer), compare_strings);
  g_ptr_array_add (names, NULL);
  manifest->requires_ = (GStrv)g_ptr_array_steal (names, NULL);
  return TRUE;
}

/* A former name is nobody's else, then or now. */
static gboolean
check_former_names (ColletManifestReader *reader, ColletJsonNode node, const ColletManifest *manifest)
{
  for (guint i = 0; i < manifest->tools->len; i++)
    {
      const ColletManifestTool *tool = manifest->tools->pdata[i];

      for (guint j = 0; tool->former != NULL && collet_former_form_get_names (tool->former)[j] != NULL; j++)
        {
          const char *name = collet_former_form_get_names (tool->former)[j];

          if (collet_manifest_find_tool (manifest, name) != NULL)
            return collet_manifest_refuse_plain (reader->json, node, reader->error,
                                                 "\"%s\" is a tool, and a former name of \"%s\"", name,
                                                 tool->name);
          if (collet_manifest_find_former_tool (manifest, name) != tool)
            return collet_manifest_refuse_plain (reader->json, node, reader->error,
                                                 "\"%s\" is a former name of two tools", name);
        }
    }
  return TRUE;
}

static gboolean
read_tools (ColletManifestReader *reader, ColletJsonNode node, ColletManifest *manifest)
{
  const ColletJson *json = reader->json;
  guint n = node != 0 ? collet_json_get_length (json, node) : 0;

  if (node == 0)
    return collet_manifest_reader_require (reader, "tools", NULL);
  if (collet_json_get_type (json, node) != COLLET_JSON_ARRAY || n == 0 || n > COLLET_MANIFEST_MAX_TOOLS)
    return collet_manifest_refuse (json, node, reader->error, "an array of 1 to %d tools",
                                   COLLET_MANIFEST_MAX_TOOLS);
  for (ColletJsonNode item = collet_json_first (json, node); item != 0; item = collet_json_next (json, item))
    {
      ColletManifestTool *tool = collet_manifest_tool_parse (json, item, reader->error);
      if (tool == NULL)
        return FALSE;
      g_ptr_array_add (manifest->tools, tool);
    }
  qsort (manifest->tools->pdata, n, sizeof (gpointer), compare_tools);
  for (guint i = 1; i < n; i++)
    if (compare_tools (&manifest->tools->pdata[i - 1], &manifest->tools->pdata[i]) == 0)
      return collet_manifest_refuse_plain (json, node, reader->error, "the tool \"%s\" is there twice",
                                           ((ColletManifestTool *)manifest->tools->pdata[i])->name);
  return check_former_names (reader, node, manifest);
}

/* It calls a tool that there is with what its schema allows. */
static gboolean
check_smoke_test (ColletManifestReader *reader, ColletJsonNode node, const ColletSmokeTest *test,
                  const ColletManifest *manifest)
{
  const ColletManifestTool *tool = collet_manifest_find_tool (manifest, test->tool);
  g_autoptr (ColletJson) arguments = collet_json_parse (test->arguments, -1, NULL);
  g_autoptr (GError) reason = NULL;

  if (tool == NULL)
    return collet_manifest_refuse_plain (reader->json, node, reader->error,
                                         "calls \"%s\", a tool that is not in the manifest", test->tool);
  if (collet_json_schema_validate (tool->input_schema, arguments, 0, COLLET_ERROR_INVALID_MANIFEST, &reason))
    return TRUE;
  return collet_manifest_refuse_plain (reader->json, node, reader->error,
                                       "its arguments do not fit the tool's inputSchema: %s",
                                       reason->message);
}

static gboolean
read_smoke_tests (ColletManifestReader *reader, ColletJsonNode node, ColletManifest *manifest)
{
  guint i = 0;

  if (node == 0)
    {
      manifest->smoke_tests = g_ptr_array_new ();
      return TRUE;
    }
  manifest->smoke_tests =
      collet_smoke_tests_read (reader->json, node, COLLET_ERROR_INVALID_MANIFEST, reader->error);
  if (manifest->smoke_tests == NULL)
    return FALSE;
  for (ColletJsonNode item = collet_json_first (reader->json, node); item != 0;
       item = collet_json_next (reader->json, item))
    if (!check_smoke_test (reader, item, manifest->smoke_tests->pdata[i++], manifest))
      return FALSE;
  return TRUE;
}

static gboolean
read_manifest (ColletManifestReader *reader, ColletManifest *manifest)
{
  return read_identity (reader, manifest) &&
         collet_manifest_reader_take_boolean (reader, "concurrent", &manifest->concurrent) &&
         collet_manifest_reader_take_boolean (reader, "quick", &manifest->quick) &&
         collet_manifest_reader_take_number (reader, "call_timeout_ms", 1, MAX_CALL_MS,
                                             &manifest->call_timeout_ms) &&
         read_needs (reader, collet_manifest_reader_take (reader, "needs"), manifest) &&
         read_state (reader, collet_manifest_reader_take (reader, "state"), manifest) &&
         read_requires (reader, collet_manifest_reader_take (reader, "requires"), manifest) &&
         read_tools (reader, collet_manifest_reader_take (reader, "tools"), manifest) &&
         read_smoke_tests (reader, collet_manifest_reader_take (reader, "smoke_tests"), manifest) &&
         collet_manifest_reader_finish (reader);
}

static ColletManifest *
manifest_new (void)
{
  ColletManifest *manifest = g_new0 (ColletManifest, 1);

  g_atomic_ref_count_init (&manifest->ref_count);
  manifest->tools = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_manifest_tool_free);
  return manifest;
}

ColletManifest *
collet_manifest_parse (const char *text, gsize size, GError **error)
{
  g_autoptr (ColletManifest) manifest = NULL;
  g_autoptr (ColletJson) json = NULL;
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GString) canonical = NULL;
  ColletManifestReader reader;

  if (size > COLLET_MANIFEST_MAX_SIZE)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_MANIFEST,
                   "the manifest has %" G_GSIZE_FORMAT " bytes, at most %u are read", size,
                   COLLET_MANIFEST_MAX_SIZE);
      return NULL;
    }
  json = collet_json_parse_borrowed (text, size, &local_error);
  if (json == NULL)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_MANIFEST, "the manifest is not valid JSON: %s",
                   local_error->message);
      return NULL;
    }
  manifest = manifest_new ();
  if (!collet_manifest_reader_init (&reader, json, 0, error) || !read_manifest (&reader, manifest))
    return NULL;
  canonical = g_string_sized_new (size);
  collet_json_append_canonical (canonical, json, 0);
  manifest->json = g_string_free (g_steal_pointer (&canonical), FALSE);
  return g_steal_pointer (&manifest);
}

ColletManifest *
collet_manifest_ref (ColletManifest *manifest)
{
  g_atomic_int_inc (&manifest->ref_count);
  return manifest;
}

void
collet_manifest_unref (ColletManifest *manifest)
{
  if (manifest == NULL || !g_atomic_int_dec_and_test (&manifest->ref_count))
    return;
  g_free (manifest->name);
  g_free (manifest->version);
  g_free (manifest->description);
  g_free (manifest->license);
  g_clear_pointer (&manifest->tools, g_ptr_array_unref);
  g_clear_pointer (&manifest->smoke_tests, g_ptr_array_unref);
  g_strfreev (manifest->requires_);
  g_free (manifest->json);
  g_free (manifest);
}

int
collet_manifest_find_tool_index (const ColletManifest *manifest, const char *name)
{
  const ColletManifestTool key = { .name = (char *)name };
  const ColletManifestTool *p = &key;
  ColletManifestTool *const *found =
      bsearch (&p, manifest->tools->pdata, manifest->tools->len, sizeof (gpointer), compare_tools);

  return found != NULL ? (int)((gpointer *)found - manifest->tools->pdata) : -1;
}

const ColletManifestTool *
collet_manifest_find_tool (const ColletManifest *manifest, const char *name)
{
  int index = collet_manifest_find_tool_index (manifest, name);

  return index >= 0 ? manifest->tools->pdata[index] : NULL;
}

const ColletManifestTool *
collet_manifest_find_former_tool (const ColletManifest *manifest, const char *name)
{
  for (guint i = 0; i < manifest->tools->len; i++)
    {
      const ColletManifestTool *tool = manifest->tools->pdata[i];

      if (tool->former != NULL && collet_former_form_has_name (tool->former, name))
        return tool;
    }
  return NULL;
}

gboolean
collet_manifest_may_use_network (const ColletManifest *manifest, const char *const *allowed)
{
  return manifest->needs_network && allowed != NULL &&
         (g_strv_contains (allowed, manifest->name) || g_strv_contains (allowed, "*"));
}
