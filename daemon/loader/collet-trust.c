/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-trust.h"

#include <sys/stat.h>
#include <unistd.h>

#include "collet-error.h"
#include "collet-key-ring.h"
#include "collet-signature.h"

static const char *const levels[] = {
  [COLLET_TRUST_SIGNED] = "signed",
  [COLLET_TRUST_OWNED] = "owned",
  [COLLET_TRUST_ANY] = "any",
};

gboolean
collet_trust_level_from_string (const char *text, ColletTrustLevel *level)
{
  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    {
      if (g_str_equal (levels[i], text))
        {
          *level = (ColletTrustLevel)i;
          return TRUE;
        }
    }
  return FALSE;
}

void
collet_trust_policy_copy (const ColletTrustPolicy *policy, ColletTrustPolicy *to)
{
  *to = *policy;
  to->keys = g_strdup (policy->keys);
  to->network = g_strdupv (policy->network);
}

void
collet_trust_policy_clear (ColletTrustPolicy *policy)
{
  g_free (policy->keys);
  g_strfreev (policy->network);
}

/* ---- signatures ---- */

/* NotTrusted: revoked, unknown (`required`), or false. *signer stays NULL for an
 * unknown key. */
static gboolean
check_signature (const ColletKeyRing *ring, const char *text, const char *path, gboolean required,
                 char **signer, GError **error)
{
  g_autoptr (ColletSignature) signature = collet_signature_parse (text, error);
  if (signature == NULL)
    return FALSE;

  const ColletRingKey *key = collet_key_ring_find (ring, signature->key_id);
  g_autofree char *id = collet_key_id_to_string (signature->key_id);
  if (key == NULL && !required)
    return TRUE;
  if (key == NULL || key->is_revoked)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_TRUSTED,
                   key == NULL ? "It is signed by key %s, which is not one of the trusted keys."
                               : "It is signed by key %s, which was revoked.",
                   id);
      return FALSE;
    }

  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);
  if (file == NULL || !collet_signature_verify (signature, &key->key, g_mapped_file_get_contents (file),
                                                g_mapped_file_get_length (file), error))
    return FALSE;
  *signer = g_strdup_printf ("%s (%s)", key->name, id);
  return TRUE;
}

/* ---- files ---- */

/* Who could have put other bytes there. */
static gboolean
is_owned (const ColletArtifactFacts *facts)
{
  return facts->is_file && (facts->owner == 0 || facts->owner == geteuid ()) &&
         (facts->mode & (S_IWGRP | S_IWOTH)) == 0;
}

static char *
describe_file (const ColletArtifactFacts *facts)
{
  if (!facts->is_file)
    return g_strdup ("given as bytes by the caller");
  return g_strdup_printf ("owner %u, mode %04o%s", (guint)facts->owner, (guint)facts->mode,
                          is_owned (facts)                           ? ""
                          : (facts->mode & (S_IWGRP | S_IWOTH)) != 0 ? ": others may write the file"
                                                                     : ": the file is another user's");
}

/* ---- judging ---- */

/* Whatever is wrong with a signature. Takes and gives. */
static GError *
not_trusted (GError *error)
{
  g_autoptr (GError) taken = error;

  return g_error_new_literal (COLLET_ERROR, COLLET_ERROR_NOT_TRUSTED, taken->message);
}

/* NULL for what is no signature. */
static char *
name_key (const char *text)
{
  g_autoptr (ColletSignature) signature = text != NULL ? collet_signature_parse (text, NULL) : NULL;

  return signature != NULL ? collet_key_id_to_string (signature->key_id) : NULL;
}

static void
read_signature (const ColletTrustPolicy *policy, const ColletKeyRing *ring, ColletArtifactIntake *intake)
{
  gboolean matters = !collet_key_ring_is_empty (ring) || policy->level == COLLET_TRUST_SIGNED;
  ColletArtifactTrust *trust = &intake->trust;
  g_autofree char *text = NULL;

  if (intake->source.path == NULL)
    return;
  text = collet_signature_read_beside (intake->source.path, matters ? &trust->error : NULL);
  if (matters || text == NULL)
    {
      trust->signature = g_steal_pointer (&text);
      return;
    }
  /* Nobody here can say whose it is; but another node may, or a key that comes later. */
  g_autofree char *key_id = name_key (text);
  if (key_id != NULL)
    trust->unknown_signature = g_steal_pointer (&text);
}

static void
judge_one (const ColletTrustPolicy *policy, const ColletKeyRing *ring, ColletArtifactIntake *intake)
{
  ColletArtifactTrust *trust = &intake->trust;
  g_autofree char *file = describe_file (&intake->facts);

  read_signature (policy, ring, intake);
  if (trust->error == NULL && trust->signature != NULL)
    check_signature (ring, trust->signature, intake->path, policy->level == COLLET_TRUST_SIGNED,
                     &trust->signer, &trust->error);
  if (trust->error != NULL)
    {
      trust->error = not_trusted (trust->error);
      return;
    }

  if (trust->signer != NULL)
    trust->basis = COLLET_BASIS_SIGNED;
  else if (is_owned (&intake->facts) || (intake->source.path == NULL && policy->trusts_caller))
    trust->basis = COLLET_BASIS_OWNED;
  else
    trust->basis = COLLET_BASIS_UNSIGNED;
  if (trust->signer == NULL && trust->signature != NULL) /* by a key that is nobody's here */
    trust->unknown_signature = g_steal_pointer (&trust->signature);
  trust->key_id = name_key (trust->signature != NULL ? trust->signature : trust->unknown_signature);

  if (policy->level == COLLET_TRUST_SIGNED && trust->basis != COLLET_BASIS_SIGNED)
    g_set_error (&trust->error, COLLET_ERROR, COLLET_ERROR_NOT_TRUSTED,
                 "It is not signed (%s), and this daemon loads signed modules only.", file);
  else if (policy->level == COLLET_TRUST_OWNED && trust->basis == COLLET_BASIS_UNSIGNED)
    g_set_error (&trust->error, COLLET_ERROR, COLLET_ERROR_NOT_TRUSTED,
                 "It is not signed, and somebody else could have put it there (%s).", file);
  trust->evidence =
      trust->signer != NULL ? g_strdup_printf ("signed by %s", trust->signer) : g_steal_pointer (&file);
}

void
collet_trust_judge (const ColletTrustPolicy *policy, ColletArtifactIntake *intakes, guint n)
{
  g_autoptr (GError) reason = NULL;
  g_autoptr (ColletKeyRing) ring = collet_key_ring_read (policy->keys, &reason);

  for (guint i = 0; i < n; i++)
    {
      if (intakes[i].error != NULL)
        continue;
      if (ring == NULL)
        intakes[i].trust.error = g_error_copy (reason);
      else
        judge_one (policy, ring, &intakes[i]);
    }
}

gboolean
collet_trust_judge_retained (const ColletTrustPolicy *policy, const ColletVersion *version, const char *path,
                             GError **error)
{
  gboolean required = policy->level == COLLET_TRUST_SIGNED;
  g_autofree char *signer = NULL;
  g_autoptr (ColletKeyRing) ring = collet_key_ring_read (policy->keys, error);

  if (ring == NULL)
    return FALSE;
  if (version->signature != NULL)
    return check_signature (ring, version->signature, path, TRUE, &signer, error);
  /* Nobody knew its key then. Now it may be a revoked one. */
  g_autofree char *unknown = collet_signature_read_beside (path, NULL);
  g_autofree char *key_id = name_key (unknown);
  if (key_id != NULL && !check_signature (ring, unknown, path, FALSE, &signer, error))
    return FALSE;
  if (!required && (policy->level == COLLET_TRUST_ANY || version->basis != COLLET_BASIS_UNSIGNED))
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_TRUSTED,
               "It was loaded without a signature, which this daemon does not accept any more.");
  return FALSE;
}
