/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-error.h"
#include "collet-form.h"

static ColletForm *
make_form (const char *schema)
{
  GtkWidget *form = g_object_ref_sink (collet_form_new ());

  collet_form_set_schema (COLLET_FORM (form), schema);
  return COLLET_FORM (form);
}

static void
type_in (ColletForm *form, const char *name, const char *text)
{
  GtkWidget *field = collet_form_get_field (form, name);

  g_assert_nonnull (field);
  gtk_editable_set_text (GTK_EDITABLE (field), text);
}

static void
assert_arguments (ColletForm *form, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *arguments = collet_form_dup_arguments (form, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (arguments, ==, expected);
}

static void
assert_refused (ColletForm *form, const char *name)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (collet_form_dup_arguments (form, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
  g_assert_true (gtk_widget_has_css_class (collet_form_get_field (form, name), "error"));
}

static void
test_each_type_has_its_value (void)
{
  g_autoptr (ColletForm) form = make_form (
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\"},\"b\":{\"type\":\"integer\"},"
      "\"c\":{\"type\":\"string\"},\"d\":{\"type\":\"boolean\"},\"e\":{\"enum\":[\"x\",7]},"
      "\"f\":{\"type\":\"array\"}},\"required\":[\"e\"]}");

  type_in (form, "a", "2.5");
  type_in (form, "b", "-7");
  type_in (form, "c", "say \"hi\"");
  gtk_switch_set_active (GTK_SWITCH (collet_form_get_field (form, "d")), TRUE);
  adw_combo_row_set_selected (ADW_COMBO_ROW (collet_form_get_field (form, "e")), 1);
  type_in (form, "f", "[1, 2]");
  assert_arguments (form, "{\"a\":2.5,\"b\":-7,\"c\":\"say \\\"hi\\\"\",\"d\":true,\"e\":7,\"f\":[1,2]}");
}

static void
test_what_is_not_given_is_left_out (void)
{
  g_autoptr (ColletForm) form = make_form (
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\"},\"c\":{\"type\":\"string\"},"
      "\"d\":{\"type\":\"boolean\"},\"e\":{\"enum\":[\"x\"]}}}");

  assert_arguments (form, "{}");
}

static void
test_a_required_text_may_be_empty (void)
{
  g_autoptr (ColletForm) form =
      make_form ("{\"type\":\"object\",\"properties\":{\"c\":{\"type\":\"string\"}},\"required\":[\"c\"]}");

  assert_arguments (form, "{\"c\":\"\"}");
}

static void
test_what_cannot_be_made_is_marked (void)
{
  g_autoptr (ColletForm) form = make_form (
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\"},\"b\":{\"type\":\"integer\"},"
      "\"f\":{}},\"required\":[\"a\"]}");

  assert_refused (form, "a");
  type_in (form, "a", "1e999");
  assert_refused (form, "a");
  type_in (form, "a", "1");
  type_in (form, "b", "1.5");
  assert_refused (form, "b");
  type_in (form, "b", "1");
  type_in (form, "f", "{");
  assert_refused (form, "f");
  type_in (form, "f", "null");
  assert_arguments (form, "{\"a\":1,\"b\":1,\"f\":null}");
}

static void
test_any_schema_has_a_form (void)
{
  static const char *const schemas[] = {
    "", "[]", "true", "{}", "{\"properties\":[]}", "{\"type\":\"object\"}"
  };

  for (guint i = 0; i < G_N_ELEMENTS (schemas); i++)
    {
      g_autoptr (ColletForm) form = make_form (schemas[i]);

      assert_arguments (form, "{}");
      type_in (form, "", "{\"x\":1}");
      assert_arguments (form, "{\"x\":1}");
      type_in (form, "", "[1]");
      assert_refused (form, "");
    }
}

static void
test_the_same_schema_keeps_the_input (void)
{
  static const char schema[] = "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\"}}}";
  g_autoptr (ColletForm) form = make_form (schema);

  type_in (form, "a", "5");
  collet_form_set_schema (form, schema);
  assert_arguments (form, "{\"a\":5}");
}

static void
test_a_new_schema_keeps_what_it_still_takes (void)
{
  g_autoptr (ColletForm) form = make_form (
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\"},\"b\":{\"type\":\"string\"}}}");

  type_in (form, "a", "5");
  type_in (form, "b", "gone");
  collet_form_set_schema (
      form,
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"c\":{\"type\":\"string\"}}}");
  assert_arguments (form, "{\"a\":5}");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  adw_init ();
  g_test_add_func ("/gui/form/each-type-has-its-value", test_each_type_has_its_value);
  g_test_add_func ("/gui/form/what-is-not-given-is-left-out", test_what_is_not_given_is_left_out);
  g_test_add_func ("/gui/form/a-required-text-may-be-empty", test_a_required_text_may_be_empty);
  g_test_add_func ("/gui/form/what-cannot-be-made-is-marked", test_what_cannot_be_made_is_marked);
  g_test_add_func ("/gui/form/any-schema-has-a-form", test_any_schema_has_a_form);
  g_test_add_func ("/gui/form/the-same-schema-keeps-the-input", test_the_same_schema_keeps_the_input);
  g_test_add_func ("/gui/form/a-new-schema-keeps-what-it-still-takes",
                   test_a_new_schema_keeps_what_it_still_takes);
  return g_test_run ();
}
