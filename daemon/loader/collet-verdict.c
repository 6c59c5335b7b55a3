/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-verdict.h"

#include "collet-check.h"
#include "collet-error-remedy.h"
#include "collet-probe-report.h"
#include "collet-refusal.h"

static void
check_artifact (ColletCandidate *candidate, const ColletArtifactIntake *intake)
{
  const ColletArtifactDigest *digest = &intake->facts.digest;
  g_autofree char *evidence = NULL;

  if (intake->error != NULL)
    {
      collet_candidate_fail (candidate, "artifact", g_error_copy (intake->error));
      return;
    }
  evidence = g_strdup_printf ("%" G_GUINT64_FORMAT " bytes, SHA-256 %s", digest->size, digest->sha256);
  collet_candidate_add_check (candidate, "artifact", COLLET_CHECK_PASSED, evidence, NULL);
}

/* A failed check always says what to do. */
static void
ensure_remedy (ColletCheck *check, const GError *error)
{
  if (check->outcome == COLLET_CHECK_FAILED && check->remedy == NULL && error != NULL)
    check->remedy = g_strdup (collet_error_remedy ((ColletError)error->code));
}

/* Takes over the checks of a report. One that names a check twice, or one of
 * ours, has been tampered with. */
static void
adopt (ColletCandidate *candidate, ColletProbeReport *report)
{
  while (report->checks->len > 0)
    {
      g_autoptr (ColletCheck) check = g_ptr_array_steal_index (report->checks, 0);

      if (collet_candidate_has_check (candidate, check->name))
        {
          collet_candidate_fail (candidate, "trial",
                                 g_error_new (COLLET_ERROR, COLLET_ERROR_INVALID_MODULE,
                                              "The trial of %s reported \"%s\" twice", candidate->source,
                                              check->name));
          return;
        }
      ensure_remedy (check, report->error);
      g_ptr_array_add (candidate->checks, g_steal_pointer (&check));
    }
  if (report->error != NULL && candidate->error == NULL)
    {
      candidate->error = g_steal_pointer (&report->error);
      g_prefix_error (&candidate->error, "%s: ", candidate->source);
    }
}

static GError *
death_error (const ColletTrial *trial, const char *source, const char *when)
{
  g_autofree char *death = NULL;

  if (trial->timed_out && !trial->tried)
    return g_error_new (COLLET_ERROR, COLLET_ERROR_PROBE_TIMEOUT,
                        "%s was not tried: others of the batch used up its time", source);
  if (trial->timed_out)
    return g_error_new (COLLET_ERROR, COLLET_ERROR_PROBE_TIMEOUT, "%s came to no end %s, and was stopped",
                        source, when);
  if (!trial->died)
    return g_error_new (COLLET_ERROR, COLLET_ERROR_VALIDATION_FAILED, "%s gave no report %s", source, when);
  death = collet_trial_dup_death (trial);
  return g_error_new (COLLET_ERROR, COLLET_ERROR_PROBE_CRASHED, "%s %s %s", source, death, when);
}

/* What the file says, read before anything of it ran. */
static ColletProbeReport *
check_file (ColletCandidate *candidate, const ColletTrial *trial)
{
  g_autoptr (ColletProbeReport) report = NULL;
  GError *error = NULL;

  if (trial->read == NULL)
    {
      collet_candidate_fail (candidate, "elf-format",
                             death_error (trial, candidate->source, "while its file was read"));
      return NULL;
    }
  report = collet_probe_report_parse (trial->read, &error);
  if (report == NULL)
    {
      collet_candidate_fail (candidate, "elf-format", error);
      return NULL;
    }
  adopt (candidate, report);
  return g_steal_pointer (&report);
}

static char *
describe_manifest (const ColletManifest *manifest)
{
  g_autofree char *state = manifest->stateful
                               ? g_strdup_printf ("stateful, state format %u", manifest->state_format)
                               : g_strdup ("stateless");

  return g_strdup_printf ("%s %s, %s, %u tool%s", manifest->name, manifest->version, state,
                          manifest->tools->len, manifest->tools->len == 1 ? "" : "s");
}

static void
check_schemas (ColletCandidate *candidate)
{
  const ColletManifest *manifest = candidate->manifest;
  guint n = 0;

  for (guint i = 0; i < manifest->tools->len; i++)
    {
      const ColletManifestTool *tool = g_ptr_array_index (manifest->tools, i);
      n += tool->output_schema != NULL ? 2 : 1;
    }
  g_autofree char *evidence = g_strdup_printf ("%u JSON Schema%s", n, n == 1 ? "" : "s");
  collet_candidate_add_check (candidate, "schemas", COLLET_CHECK_PASSED, evidence, NULL);
}

static void
check_manifest (ColletCandidate *candidate, const char *text)
{
  GError *error = NULL;

  if (text == NULL)
    {
      if (candidate->error != NULL)
        collet_candidate_skip (candidate, "manifest");
      else
        collet_candidate_fail (candidate, "manifest",
                               g_error_new_literal (COLLET_ERROR, COLLET_ERROR_INVALID_MANIFEST,
                                                    "The module carries no manifest"));
      collet_candidate_skip (candidate, "schemas");
      return;
    }

  candidate->manifest = collet_manifest_parse (text, strlen (text), &error);
  if (candidate->manifest == NULL)
    g_prefix_error (&error, "The manifest of %s: ", candidate->source);
  if (candidate->manifest != NULL)
    {
      g_autofree char *evidence = describe_manifest (candidate->manifest);
      collet_candidate_add_check (candidate, "manifest", COLLET_CHECK_PASSED, evidence, NULL);
      check_schemas (candidate);
    }
  else if (g_error_matches (error, COLLET_ERROR, COLLET_ERROR_INVALID_SCHEMA))
    {
      collet_candidate_add_check (candidate, "manifest", COLLET_CHECK_PASSED, "well-formed", NULL);
      collet_candidate_fail (candidate, "schemas", error);
    }
  else
    {
      collet_candidate_fail (candidate, "manifest", error);
      collet_candidate_skip (candidate, "schemas");
    }
}

/* What lets it in, or keeps it out. */
static void
check_trust (ColletCandidate *candidate, const ColletArtifactTrust *trust)
{
  if (trust->error != NULL)
    {
      GError *error = g_error_copy (trust->error);

      g_prefix_error (&error, "%s: ", candidate->source);
      collet_candidate_fail (candidate, "trust", error);
    }
  else if (trust->basis == COLLET_BASIS_UNSIGNED)
    collet_candidate_add_check (candidate, "trust", COLLET_CHECK_WARNING, trust->evidence,
                                "Sign the module, or let only the daemon's user or root own and write it.");
  else
    collet_candidate_add_check (candidate, "trust", COLLET_CHECK_PASSED, trust->evidence, NULL);
}

/* It would load and then fail at its work. */
static void
check_network (ColletCandidate *candidate, const ColletTrustPolicy *policy)
{
  const ColletManifest *manifest = candidate->manifest;

  if (manifest == NULL || !manifest->needs_network)
    return;
  if (collet_manifest_may_use_network (manifest, (const char *const *)policy->network))
    collet_candidate_add_check (candidate, "network", COLLET_CHECK_PASSED, "asked for, and allowed", NULL);
  else
    collet_candidate_add_check (candidate, "network", COLLET_CHECK_WARNING,
                                "The manifest asks for the network, and this daemon does not let the module "
                                "use it.",
                                "Add the module to [trust] network in colletd.conf, or expect its tools to "
                                "fail.");
}

/* What it went on without, or what its failure came from. */
static void
check_confinement (ColletCandidate *candidate, const GPtrArray *refusals)
{
  g_autofree char *evidence = NULL;

  if (refusals == NULL)
    return;
  evidence = collet_refusals_list_dup_text (refusals);
  collet_candidate_add_check (candidate, "confinement", COLLET_CHECK_WARNING, evidence,
                              collet_refusals_list_get_remedy (refusals));
}

/* Nothing of it was read or run. */
static void
skip_all (ColletCandidate *candidate)
{
  static const char *const rest[] = { "elf-format", "manifest", "schemas", "trial", "state" };

  for (guint i = 0; i < G_N_ELEMENTS (rest); i++)
    collet_candidate_skip (candidate, rest[i]);
}

/* Whether the code can hand its state over. */
static gboolean
check_run (ColletCandidate *candidate, const ColletTrial *trial)
{
  GError *error = NULL;

  if (trial->died || trial->run == NULL)
    {
      collet_candidate_fail (candidate, "trial",
                             death_error (trial, candidate->source, "while it was loaded for trial"));
      return FALSE;
    }
  g_autoptr (ColletProbeReport) report = collet_probe_report_parse (trial->run, &error);
  if (report == NULL)
    {
      collet_candidate_fail (candidate, "trial", error);
      return FALSE;
    }
  adopt (candidate, report);
  return report->has_state;
}

/* The manifest promises a state; the code must be able to hand it over. */
static void
check_state (ColletCandidate *candidate, gboolean has_state)
{
  if (candidate->error != NULL)
    collet_candidate_skip (candidate, "state");
  else if (candidate->manifest->stateful && !has_state)
    collet_candidate_fail (
        candidate, "state",
        g_error_new_literal (COLLET_ERROR, COLLET_ERROR_VALIDATION_FAILED,
                             "The manifest declares \"state\", but the module has no export_state "
                             "and import_state"));
  else if (!candidate->manifest->stateful && has_state)
    collet_candidate_add_check (candidate, "state", COLLET_CHECK_WARNING,
                                "The module can export state, but its manifest says that it has none.",
                                "Declare \"state\" in the manifest, or the state is lost at a reload.");
  else
    collet_candidate_add_check (candidate, "state", COLLET_CHECK_PASSED,
                                has_state ? "handed over at a reload" : "none", NULL);
}

ColletCandidate *
collet_verdict_new (const ColletArtifactIntake *intake, const ColletTrial *trial,
                    const ColletTrustPolicy *policy)
{
  ColletCandidate *candidate = collet_candidate_new (intake->source.name);
  const ColletArtifactDigest *digest = &intake->facts.digest;

  check_artifact (candidate, intake);
  if (intake->error != NULL)
    return candidate;
  check_trust (candidate, &intake->trust);
  if (trial == NULL)
    {
      candidate->version = collet_version_new (digest->sha256, digest->md5, NULL, NULL, NULL, digest->size);
      skip_all (candidate);
      return candidate;
    }

  g_autoptr (ColletProbeReport) report = check_file (candidate, trial);
  check_manifest (candidate, report != NULL ? report->manifest : NULL);
  check_network (candidate, policy);
  candidate->version =
      collet_version_new (digest->sha256, digest->md5, report != NULL ? report->code_digest : NULL,
                          report != NULL ? report->build_id : NULL,
                          candidate->manifest != NULL ? candidate->manifest->version : NULL, digest->size);
  collet_version_set_trust (candidate->version, intake->trust.basis, intake->trust.signer,
                            intake->trust.signature, intake->trust.key_id);
  check_confinement (candidate, trial->refusals);
  check_state (candidate, check_run (candidate, trial));
  return candidate;
}
