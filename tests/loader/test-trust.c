/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What may be loaded: every rule for every kind of file.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "artifact-fixture.h"
#include "collet-error.h"
#include "collet-signing.h"
#include "collet-trust.h"

typedef enum
{
  OWNED,        /* by us, and nobody else may write it */
  OPEN,         /* to anybody */
  SIGNED,       /* open, by a trusted key */
  BY_STRANGER,  /* owned, by a key nobody knows */
  BY_REVOKED,   /* owned, by a revoked key */
  CHANGED,      /* owned, by a trusted key, of other bytes */
  NO_SIGNATURE, /* owned, with nonsense in its .minisig */
} Kind;

static const struct
{
  const char *name;
  Kind kind;
  gboolean may[3]; /* with the rules signed, owned, any */
} table[] = {
  { "owned", OWNED, { FALSE, TRUE, TRUE } },
  { "open", OPEN, { FALSE, FALSE, TRUE } },
  { "signed", SIGNED, { TRUE, TRUE, TRUE } },
  { "by-a-stranger", BY_STRANGER, { FALSE, TRUE, TRUE } },
  { "by-a-revoked-key", BY_REVOKED, { FALSE, FALSE, FALSE } },
  { "changed-after-signing", CHANGED, { FALSE, FALSE, FALSE } },
  { "nonsense", NO_SIGNATURE, { FALSE, FALSE, FALSE } },
};

typedef struct
{
  ArtifactFixture store;
  char *keys;
  ColletSecretKey *trusted;
  ColletSecretKey *revoked;
  ColletSecretKey *stranger;
} Fixture;

static void
write_key (Fixture *f, const char *file, const ColletSecretKey *secret)
{
  ColletKey key;
  g_autofree char *path = g_build_filename (f->keys, file, NULL);

  collet_secret_key_get_public (secret, &key);
  g_autofree char *text = collet_key_to_text (&key);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_assert_cmpint (chmod (path, 0644), ==, 0);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  artifact_fixture_set_up (&f->store, data);
  f->keys = g_build_filename (f->store.base, "keys", NULL);
  g_assert_cmpint (g_mkdir (f->keys, 0755), ==, 0);
  f->trusted = collet_secret_key_generate ();
  f->revoked = collet_secret_key_generate ();
  f->stranger = collet_secret_key_generate ();
  write_key (f, "ada.pub", f->trusted);
  write_key (f, "bob.revoked", f->revoked);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  collet_secret_key_free (f->trusted);
  collet_secret_key_free (f->revoked);
  collet_secret_key_free (f->stranger);
  g_free (f->keys);
  artifact_fixture_tear_down (&f->store, data);
}

static void
sign (const char *path, const ColletSecretKey *secret, const char *bytes)
{
  g_autofree char *beside = g_strconcat (path, COLLET_SIGNATURE_SUFFIX, NULL);
  g_autofree char *text =
      secret != NULL ? collet_secret_key_sign (secret, bytes, strlen (bytes), "test") : g_strdup ("nonsense");

  g_assert_true (g_file_set_contents (beside, text, -1, NULL));
}

static char *
write_module (Fixture *f, const char *name, Kind kind)
{
  char *path = artifact_fixture_write (&f->store, name, name, -1);

  g_assert_cmpint (chmod (path, kind == OPEN || kind == SIGNED ? 0666 : 0644), ==, 0);
  if (kind == SIGNED)
    sign (path, f->trusted, name);
  else if (kind == BY_STRANGER)
    sign (path, f->stranger, name);
  else if (kind == BY_REVOKED)
    sign (path, f->revoked, name);
  else if (kind == CHANGED)
    sign (path, f->trusted, "other bytes");
  else if (kind == NO_SIGNATURE)
    sign (path, NULL, name);
  return path;
}

static void
take (Fixture *f, ColletTrustLevel level, const char *path, ColletArtifactIntake *intake)
{
  ColletTrustPolicy policy = { .level = level, .keys = f->keys };

  artifact_fixture_take (&f->store, path, intake);
  g_assert_no_error (intake->error);
  collet_trust_judge (&policy, intake, 1);
  if (intake->trust.error != NULL)
    g_assert_error (intake->trust.error, COLLET_ERROR, COLLET_ERROR_NOT_TRUSTED);
}

static void
test_table (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autofree char *path = write_module (f, table[i].name, table[i].kind);

      for (guint level = 0; level < 3; level++)
        {
          ColletArtifactIntake intake;

          take (f, (ColletTrustLevel)level, path, &intake);
          if ((intake.trust.error == NULL) != table[i].may[level])
            g_error ("%s with rule %u: %s", table[i].name, level,
                     intake.trust.error != NULL ? intake.trust.error->message : "let in");
          artifact_fixture_drop (&f->store, &intake, FALSE);
        }
    }
}

static void
test_says_who_signed (Fixture *f, gconstpointer data)
{
  g_autofree char *path = write_module (f, "m", SIGNED);
  ColletArtifactIntake intake;

  take (f, COLLET_TRUST_OWNED, path, &intake);
  g_assert_cmpint (intake.trust.basis, ==, COLLET_BASIS_SIGNED);
  g_assert_true (g_str_has_prefix (intake.trust.signer, "ada ("));
  g_assert_nonnull (intake.trust.signature);
  artifact_fixture_drop (&f->store, &intake, FALSE);

  g_autofree char *other = write_module (f, "other", BY_STRANGER);
  take (f, COLLET_TRUST_OWNED, other, &intake);
  g_assert_cmpint (intake.trust.basis, ==, COLLET_BASIS_OWNED);
  g_assert_null (intake.trust.signer);
  g_assert_null (intake.trust.signature);
  artifact_fixture_drop (&f->store, &intake, FALSE);
}

/* Whoever may write the keys says what is trusted. */
static void
test_keys_of_others_trust_nothing (Fixture *f, gconstpointer data)
{
  g_autofree char *path = write_module (f, "m", SIGNED);
  g_autofree char *key = g_build_filename (f->keys, "ada.pub", NULL);
  ColletArtifactIntake intake;

  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpint (chmod (key, i == 0 ? 0664 : 0644), ==, 0);
      g_assert_cmpint (chmod (f->keys, i == 1 ? 0777 : 0755), ==, 0);
      if (i == 2)
        g_assert_true (g_file_set_contents (key, "nonsense", -1, NULL));
      take (f, COLLET_TRUST_ANY, path, &intake);
      g_assert_error (intake.trust.error, COLLET_ERROR, COLLET_ERROR_NOT_TRUSTED);
      artifact_fixture_drop (&f->store, &intake, FALSE);
    }
}

static void
test_bytes_are_as_good_as_the_caller (Fixture *f, gconstpointer data)
{
  for (guint trusts = 0; trusts < 2; trusts++)
    {
      ColletTrustPolicy policy = { .level = COLLET_TRUST_OWNED,
                                   .keys = f->keys,
                                   .trusts_caller = (gboolean)trusts };
      ColletArtifactIntake intake = { .facts.is_file = FALSE };

      collet_trust_judge (&policy, &intake, 1);
      g_assert_true ((intake.trust.error == NULL) == (gboolean)trusts);
      collet_artifact_intake_clear (&intake);
    }
}

static void
test_retained_follow_the_keys (Fixture *f, gconstpointer data)
{
  g_autofree char *path = write_module (f, "m", SIGNED);
  g_autofree char *pub = g_build_filename (f->keys, "ada.pub", NULL);
  g_autofree char *gone = g_build_filename (f->keys, "ada.revoked", NULL);
  ColletTrustPolicy policy = { .level = COLLET_TRUST_ANY, .keys = f->keys };
  g_autoptr (GError) error = NULL;
  ColletArtifactIntake intake;

  take (f, COLLET_TRUST_SIGNED, path, &intake);
  g_autoptr (ColletVersion) version =
      collet_version_new (intake.facts.digest.sha256, intake.facts.digest.md5, NULL, NULL, "1.0.0", 1);
  g_assert_true (collet_trust_judge_retained (&policy, version, intake.path, &error));
  collet_version_set_trust (version, COLLET_BASIS_UNSIGNED, NULL, NULL, NULL);
  policy.level = COLLET_TRUST_OWNED;
  g_assert_false (collet_trust_judge_retained (&policy, version, intake.path, NULL));

  collet_version_set_trust (version, intake.trust.basis, intake.trust.signer, intake.trust.signature,
                            intake.trust.key_id);
  for (guint level = 0; level < 3; level++)
    {
      policy.level = (ColletTrustLevel)level;
      g_assert_true (collet_trust_judge_retained (&policy, version, intake.path, &error));
      g_assert_no_error (error);
    }
  g_assert_cmpint (g_rename (pub, gone), ==, 0);
  for (guint level = 0; level < 3; level++)
    {
      policy.level = (ColletTrustLevel)level;
      g_assert_false (collet_trust_judge_retained (&policy, version, intake.path, &error));
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NOT_TRUSTED);
      g_assert_nonnull (strstr (error->message, "revoked"));
      g_clear_error (&error);
    }
  artifact_fixture_drop (&f->store, &intake, FALSE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name, func) g_test_add ("/loader/trust/" name, Fixture, NULL, set_up, func, tear_down)
  TEST ("each-rule-for-each-kind-of-file", test_table);
  TEST ("says-who-signed", test_says_who_signed);
  TEST ("keys-that-others-may-write-trust-nothing", test_keys_of_others_trust_nothing);
  TEST ("bytes-are-as-good-as-their-caller", test_bytes_are_as_good_as_the_caller);
  TEST ("retained-versions-follow-the-keys", test_retained_follow_the_keys);
  return g_test_run ();
}
