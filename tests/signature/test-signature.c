/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What minisign 0.11 wrote for a file with "hello\n", and what must not pass.
 */
#include "collet-error.h"
#include "collet-signing.h"

#include <string.h>

#include <glib/gstdio.h>

static const char bytes[] = "hello\n";
#define SIZE (sizeof bytes - 1)

static const char public_text[] = "untrusted comment: minisign public key E3C8B68C57A32749\n"
                                  "RWRJJ6NXjLbI49VZx94Vma8iD9K8j/4NPdXaX7uyikNSko0CLmkNuBWZ\n";
static const char signature_text[] =
    "untrusted comment: signature from minisign secret key\n"
    "RURJJ6NXjLbI42FeOWZJs11i+r4YETOGuSW9vLd7yYap0iJRvbFeN+gOeSIZcrfjeUFi07o07JANThg9j+9IfnLau+t/Pe/Qnwk=\n"
    "trusted comment: collet test\n"
    "2ynsX9nmA0dVVRJIG2/+voMNs3LRBJfQ0qd0Jx93ZFlKQrS69S48h9dRxg+lgxmIngrZRl1br+5EqX1Q/aouDQ==\n";
/* Of the bytes themselves: minisign -l. */
static const char legacy_text[] =
    "untrusted comment: signature from minisign secret key\n"
    "RWRJJ6NXjLbI43lDEN6YhR4NrH/1qNkXztWy0vNBHpP05duCqewq78MSnW4ZCOzPNhoTtq5WBk0U3HzLkdlha/RYWTVwyDdNYAY=\n"
    "trusted comment: older\n"
    "ylngeSgzhD4M7TX+Q1meDo2C6VsxgIvlmjOLqPW1DSLCujm3BMEGgyY00vHu7aQhjx4JCGmB9eulX48b86DQDA==\n";
/* Made for this test; its password is "collet". */
static const char encrypted_secret[] =
    "untrusted comment: minisign encrypted secret key\n"
    "RWRTY0IyEPpM+uCDHOOEFclue4DzyaOCkKmurg7ItC6IjYgcw3IAAAACAAAAAAAAAEAAAAAA0kRlmQjnn321pB+"
    "YeMR4qyf9kQCsT57lQluT3k8XoXa4HOA+Xatqfc4rLbZGM7g9/nqTPEN2SYEXRuENr3kaS/"
    "pel4e+7KFbZMywNr69IVjrHp5jtoDN34YcCADOu+Mi08SQGEo6PuQ=\n";
static const char encrypted_public[] = "untrusted comment: minisign public key 4428716AABA1645\n"
                                       "RWRFFrqqFodCBAcQLo77biFWda/7ZwHc97dmoiOzvBEljPIcmM58B1nu\n";

static void
parse_key (ColletKey *key)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (collet_key_parse (public_text, key, &error));
  g_assert_no_error (error);
}

static void
assert_verifies (const char *text, const ColletKey *key, const char *what, gsize size, gboolean expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletSignature) signature = collet_signature_parse (text, &error);

  g_assert_no_error (error);
  g_assert_true (collet_signature_verify (signature, key, what, size, &error) == expected);
  if (expected)
    g_assert_no_error (error);
  else
    g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NOT_TRUSTED);
}

static void
test_takes_what_minisign_signed (void)
{
  ColletKey key;

  parse_key (&key);
  g_autofree char *id = collet_key_id_to_string (key.id);
  g_autofree char *text = collet_key_to_text (&key);
  g_assert_cmpstr (id, ==, "E3C8B68C57A32749");
  g_assert_cmpstr (text, ==, public_text);
  assert_verifies (signature_text, &key, bytes, SIZE, TRUE);
  assert_verifies (legacy_text, &key, bytes, SIZE, TRUE);
}

/* Each bit of the bytes, of both signatures and of the comment counts. */
static void
test_refuses_any_change (void)
{
  ColletKey key;
  guint parsed = 0;

  parse_key (&key);
  for (gsize i = 0; i < SIZE; i++)
    {
      g_autofree char *changed = g_memdup2 (bytes, SIZE);

      changed[i] ^= 1;
      assert_verifies (signature_text, &key, changed, SIZE, FALSE);
    }
  assert_verifies (signature_text, &key, bytes, SIZE - 1, FALSE);
  for (gsize i = (gsize)(strchr (signature_text, '\n') - signature_text) + 1; signature_text[i] != '\0'; i++)
    {
      g_autofree char *changed = g_strdup (signature_text);
      changed[i] = signature_text[i] == 'A' ? 'B' : 'A';
      g_autoptr (ColletSignature) signature = collet_signature_parse (changed, NULL);
      if (signature == NULL)
        continue;
      parsed++;
      g_assert_false (collet_signature_verify (signature, &key, bytes, SIZE, NULL));
    }
  g_assert_cmpuint (parsed, >, 150);
}

static void
test_refuses_another_key (void)
{
  g_autoptr (ColletSecretKey) other = collet_secret_key_generate ();
  g_autofree char *text = collet_secret_key_sign (other, bytes, SIZE, "mine");
  ColletKey key;
  ColletKey theirs;

  parse_key (&key);
  collet_secret_key_get_public (other, &theirs);
  assert_verifies (text, &key, bytes, SIZE, FALSE);
  /* An id is no proof. */
  memcpy (theirs.id, key.id, sizeof theirs.id);
  assert_verifies (signature_text, &theirs, bytes, SIZE, FALSE);
}

static void
test_refuses_what_is_no_signature (void)
{
  static const char *const texts[] = {
    "",
    "\n\n\n\n",
    "hello",
    "untrusted comment: x\n",
    "untrusted comment: x\nAAAA\ntrusted comment: y\nAAAA\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      ColletKey key;

      g_assert_null (collet_signature_parse (texts[i], &error));
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
      g_clear_error (&error);
      g_assert_false (collet_key_parse (texts[i], &key, &error));
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
      g_clear_error (&error);
      g_assert_null (collet_secret_key_parse (texts[i], NULL, &error));
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
    }
  /* Cut anywhere it is refused or, with the end of a line alone, the same. */
  for (gsize i = 0; i + 2 < sizeof signature_text; i++)
    {
      g_autofree char *cut = g_strndup (signature_text, i);
      g_assert_null (collet_signature_parse (cut, NULL));
    }
}

static void
test_keeps_a_secret_key (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletSecretKey) made = collet_secret_key_generate ();
  char *text = collet_secret_key_to_text (made);
  g_autoptr (ColletSecretKey) read = collet_secret_key_parse (text, NULL, &error);
  ColletKey key;

  g_assert_no_error (error);
  g_assert_false (collet_secret_key_is_encrypted (text));
  collet_secret_key_get_public (made, &key);
  g_autofree char *signed_text = collet_secret_key_sign (read, bytes, SIZE, "of this test");
  assert_verifies (signed_text, &key, bytes, SIZE, TRUE);
  collet_secret_key_free_text (text);
}

static void
test_opens_with_the_password_only (void)
{
  g_autoptr (GError) error = NULL;
  ColletKey key;
  ColletKey theirs;

  g_assert_true (collet_secret_key_is_encrypted (encrypted_secret));
  g_assert_null (collet_secret_key_parse (encrypted_secret, NULL, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED);
  g_clear_error (&error);
  g_assert_null (collet_secret_key_parse (encrypted_secret, "wrong", &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED);
  g_clear_error (&error);
  g_autoptr (ColletSecretKey) secret = collet_secret_key_parse (encrypted_secret, "collet", &error);
  g_assert_no_error (error);
  g_assert_true (collet_key_parse (encrypted_public, &key, NULL));
  collet_secret_key_get_public (secret, &theirs);
  g_assert_cmpmem (&key, sizeof key, &theirs, sizeof theirs);
}

static void
test_reads_beside_a_file (void)
{
  g_autofree char *folder = g_dir_make_tmp ("collet-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "m.so", NULL);
  g_autofree char *beside = g_strconcat (path, COLLET_SIGNATURE_SUFFIX, NULL);
  g_autofree char *large = g_strnfill (COLLET_SIGNATURE_FILE_MAX + 1, 'x');
  g_autoptr (GError) error = NULL;

  g_assert_null (collet_signature_read_beside (path, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_set_contents (beside, signature_text, -1, NULL));
  g_autofree char *text = collet_signature_read_beside (path, &error);
  g_assert_cmpstr (text, ==, signature_text);
  g_assert_true (g_file_set_contents (beside, large, -1, NULL));
  g_assert_null (collet_signature_read_beside (path, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
  g_assert_cmpint (g_unlink (beside), ==, 0);
  g_assert_cmpint (g_mkdir (beside, 0700), ==, 0);
  g_clear_error (&error);
  g_assert_null (collet_signature_read_beside (path, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
  g_rmdir (beside);
  g_rmdir (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signature/takes-what-minisign-signed", test_takes_what_minisign_signed);
  g_test_add_func ("/signature/refuses-any-change", test_refuses_any_change);
  g_test_add_func ("/signature/refuses-another-key", test_refuses_another_key);
  g_test_add_func ("/signature/refuses-what-is-none", test_refuses_what_is_no_signature);
  g_test_add_func ("/signature/keeps-a-secret-key", test_keeps_a_secret_key);
  g_test_add_func ("/signature/opens-with-the-password-only", test_opens_with_the_password_only);
  g_test_add_func ("/signature/reads-beside-a-file", test_reads_beside_a_file);
  return g_test_run ();
}
