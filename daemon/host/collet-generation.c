/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-generation-private.h"

#include "collet-call-log.h"
#include "collet-error.h"
#include "collet-refusal.h"

/* In the word that counts the leases: somebody waits for zero. One word, so that
 * the last release knows, in the moment in which it lets go, whether it has to
 * tell; afterwards the object may be gone. */
#define WAITED_FOR (1u << 31)

typedef struct
{
  guint id;
  ColletIdleFunc func;
  gpointer user_data;
} IdleWaiter;

typedef struct
{
  ColletGenerationSpec *spec;
  char *title;
  ColletGenerationState state;
  pid_t pid;
  GMainContext *context;
  GBytes *snapshot;

  guint leases; /* atomic */
  GArray *waiters;
  guint last_waiter;
  GSource *idle; /* atomic; from setting WAITED_FOR until zero was told; holds a reference */

  ColletHistogram **histograms; /* one a tool of the manifest; atomic, made with the first call */
  guint64 calls, errors;        /* atomic */
  guint calls_ended;            /* atomic */
  guint64 crashes;
  GPtrArray *refusals;
} ColletGenerationPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (ColletGeneration, collet_generation, G_TYPE_OBJECT)

enum
{
  PROP_SPEC = 1
};
enum
{
  SIGNAL_CRASHED,
  SIGNAL_REFUSED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

#define PRIVATE(self) ((ColletGenerationPrivate *)collet_generation_get_instance_private (self))

static const char *const state_names[] = { "cold",   "starting", "ready",  "restarting",
                                           "broken", "retiring", "retired" };

#define TO(state) (1u << COLLET_GENERATION_##state)
static const guint transitions[] = {
  [COLLET_GENERATION_COLD] = TO (STARTING) | TO (RETIRING),
  [COLLET_GENERATION_STARTING] = TO (COLD) | TO (READY) | TO (RESTARTING) | TO (BROKEN) | TO (RETIRING),
  [COLLET_GENERATION_READY] = TO (RESTARTING) | TO (BROKEN) | TO (RETIRING),
  [COLLET_GENERATION_RESTARTING] = TO (READY) | TO (BROKEN) | TO (RETIRING),
  [COLLET_GENERATION_BROKEN] = TO (STARTING) | TO (RETIRING),
  [COLLET_GENERATION_RETIRING] = TO (RETIRED),
  [COLLET_GENERATION_RETIRED] = 0,
};
#undef TO

ColletGenerationSpec *
collet_generation_spec_new (guint64 number, ColletVersion *version, ColletManifest *manifest,
                            const char *path)
{
  ColletGenerationSpec *spec = g_new0 (ColletGenerationSpec, 1);

  spec->module = g_strdup (manifest->name);
  spec->number = number;
  spec->version = collet_version_ref (version);
  spec->manifest = collet_manifest_ref (manifest);
  spec->path = g_strdup (path);
  return spec;
}

void
collet_generation_spec_free (ColletGenerationSpec *spec)
{
  g_free (spec->module);
  collet_version_unref (spec->version);
  collet_manifest_unref (spec->manifest);
  g_free (spec->path);
  g_free (spec);
}

const ColletGenerationSpec *
collet_generation_get_spec (ColletGeneration *self)
{
  return PRIVATE (self)->spec;
}

const char *
collet_generation_get_title (ColletGeneration *self)
{
  return PRIVATE (self)->title;
}

ColletGenerationState
collet_generation_get_state (ColletGeneration *self)
{
  return PRIVATE (self)->state;
}

void
collet_generation_set_state (ColletGeneration *self, ColletGenerationState state)
{
  ColletGenerationPrivate *priv = PRIVATE (self);

  if (priv->state == state)
    return;
  if ((transitions[priv->state] & (1u << state)) == 0)
    g_error ("Generation %" G_GUINT64_FORMAT " of %s cannot go from %s to %s", priv->spec->number,
             priv->title, state_names[priv->state], state_names[state]);
  priv->state = state;
}

pid_t
collet_generation_get_pid (ColletGeneration *self)
{
  return PRIVATE (self)->pid;
}

void
collet_generation_set_pid (ColletGeneration *self, pid_t pid)
{
  PRIVATE (self)->pid = pid;
}

void
collet_generation_get_stats (ColletGeneration *self, ColletGenerationStats *stats)
{
  ColletGenerationPrivate *priv = PRIVATE (self);

  stats->calls = __atomic_load_n (&priv->calls, __ATOMIC_RELAXED);
  stats->errors = __atomic_load_n (&priv->errors, __ATOMIC_RELAXED);
  stats->crashes = priv->crashes;
  stats->in_flight = collet_generation_get_leases (self);
}

gint64
collet_generation_get_oldest_call_ms (ColletGeneration *self)
{
  ColletGenerationClass *class_ = COLLET_GENERATION_GET_CLASS (self);
  gint64 since = class_->get_oldest_call != NULL ? class_->get_oldest_call (self) : 0;

  return since > 0 ? (g_get_monotonic_time () - since) / 1000 : 0;
}

ColletPromiseState
collet_generation_get_promise (ColletGeneration *self)
{
  ColletGenerationClass *class_ = COLLET_GENERATION_GET_CLASS (self);

  return class_->get_promise != NULL ? class_->get_promise (self) : COLLET_PROMISE_NONE;
}

void
collet_generation_set_snapshot (ColletGeneration *self, GBytes *state)
{
  ColletGenerationPrivate *priv = PRIVATE (self);
  g_autoptr (GBytes) former = priv->snapshot;

  priv->snapshot = state != NULL ? g_bytes_ref (state) : NULL;
}

GBytes *
collet_generation_get_snapshot (ColletGeneration *self)
{
  return PRIVATE (self)->snapshot;
}

guint
collet_generation_get_calls_ended (ColletGeneration *self)
{
  return (guint)g_atomic_int_get (&PRIVATE (self)->calls_ended);
}

void
collet_generation_count_crash (ColletGeneration *self, const GError *error, gboolean will_restart)
{
  PRIVATE (self)->crashes++;
  g_signal_emit (self, signals[SIGNAL_CRASHED], 0, error, will_restart);
}

const GPtrArray *
collet_generation_get_refusals (ColletGeneration *self)
{
  return PRIVATE (self)->refusals;
}

/* The log has it once; how often is told by the object. */
void
collet_generation_add_refusal (ColletGeneration *self, const char *system_call, guint64 times)
{
  if (collet_refusals_list_add (PRIVATE (self)->refusals, system_call, times))
    collet_call_log_add_refusal (self, system_call);
  g_signal_emit (self, signals[SIGNAL_REFUSED], 0);
}

/* Leases */

guint
collet_generation_get_leases (ColletGeneration *self)
{
  return (guint)g_atomic_int_get (&PRIVATE (self)->leases) & ~WAITED_FOR;
}

void
collet_generation_take_lease (ColletGeneration *self)
{
  g_atomic_int_inc (&PRIVATE (self)->leases);
}

gboolean
collet_generation_join_lease (ColletGeneration *self)
{
  ColletGenerationPrivate *priv = PRIVATE (self);
  guint old = __atomic_load_n (&priv->leases, __ATOMIC_SEQ_CST);

  do
    if ((old & ~WAITED_FOR) == 0)
      return FALSE;
  while (
      !__atomic_compare_exchange_n (&priv->leases, &old, old + 1, FALSE, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
  return TRUE;
}

void
collet_generation_release_lease (ColletGeneration *self)
{
  ColletGenerationPrivate *priv = PRIVATE (self);
  guint old = __atomic_load_n (&priv->leases, __ATOMIC_SEQ_CST), left;

  do
    left = old == (WAITED_FOR | 1) ? 0 : old - 1;
  while (!__atomic_compare_exchange_n (&priv->leases, &old, left, FALSE, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
  /* The source was made on the main thread; here it is only set off, once, and it
   * keeps the object until then. In all other cases the object may be gone. */
  if (old == (WAITED_FOR | 1))
    g_source_set_ready_time (g_atomic_pointer_get (&priv->idle), 0);
}

static gboolean
dispatch_idle (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs idle_funcs = { .dispatch = dispatch_idle };

static gboolean on_no_leases (gpointer user_data);

/* Sets WAITED_FOR; the reference taken here keeps the object until the release
 * that finds it has told. */
static void
arm (ColletGeneration *self)
{
  ColletGenerationPrivate *priv = PRIVATE (self);
  guint none = WAITED_FOR;
  GSource *source;

  if (priv->idle != NULL)
    return;
  source = g_source_new (&idle_funcs, sizeof (GSource));
  g_source_set_static_name (source, "collet-generation");
  g_source_set_priority (source, G_PRIORITY_HIGH);
  g_source_set_callback (source, on_no_leases, g_object_ref (self), g_object_unref);
  g_source_attach (source, priv->context);
  g_atomic_pointer_set (&priv->idle, source);
  g_atomic_int_or (&priv->leases, WAITED_FOR);
  if (__atomic_compare_exchange_n (&priv->leases, &none, 0, FALSE, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
    g_source_set_ready_time (source, 0);
}

static gboolean
on_no_leases (gpointer user_data)
{
  ColletGeneration *self = user_data;
  ColletGenerationPrivate *priv = PRIVATE (self);

  g_source_unref (priv->idle);
  g_atomic_pointer_set (&priv->idle, NULL);
  while (priv->waiters->len > 0 && collet_generation_get_leases (self) == 0)
    {
      IdleWaiter waiter = g_array_index (priv->waiters, IdleWaiter, 0);

      g_array_remove_index (priv->waiters, 0);
      waiter.func (waiter.user_data);
    }
  if (priv->waiters->len > 0)
    arm (self);
  return G_SOURCE_REMOVE;
}

guint
collet_generation_add_idle_waiter (ColletGeneration *self, ColletIdleFunc func, gpointer user_data)
{
  ColletGenerationPrivate *priv = PRIVATE (self);
  IdleWaiter waiter = { ++priv->last_waiter, func, user_data };

  g_array_append_val (priv->waiters, waiter);
  arm (self);
  return waiter.id;
}

void
collet_generation_remove_idle_waiter (ColletGeneration *self, guint id)
{
  GArray *waiters = PRIVATE (self)->waiters;

  for (guint i = 0; i < waiters->len; i++)
    if (g_array_index (waiters, IdleWaiter, i).id == id)
      {
        g_array_remove_index (waiters, i);
        return;
      }
}

/* Calls */

void
collet_generation_dispatch (ColletGeneration *self, ColletCall *call)
{
  COLLET_GENERATION_GET_CLASS (self)->dispatch (self, call);
}

void
collet_generation_cancel (ColletGeneration *self, ColletCall *call)
{
  COLLET_GENERATION_GET_CLASS (self)->cancel (self, call);
}

ColletCallInput
collet_generation_choose_input (ColletGeneration *self, const ColletCall *call)
{
  ColletCallInput input = { 0 };

  if (call->input == NULL)
    return input;
  input = *call->input;
  if (input.asked_by == NULL || strcmp (input.asked_by, PRIVATE (self)->spec->version->sha256) == 0)
    return input;
  return (ColletCallInput){ .questions = input.questions };
}

ColletHistogram *
collet_generation_get_histogram (ColletGeneration *self, guint tool)
{
  return __atomic_load_n (&PRIVATE (self)->histograms[tool], __ATOMIC_ACQUIRE);
}

/* NULL: it has no such tool. */
static ColletHistogram *
ensure_histogram (ColletGenerationPrivate *priv, const char *tool)
{
  int index = collet_manifest_find_tool_index (priv->spec->manifest, tool);
  ColletHistogram *histogram, *mine;

  if (index < 0)
    return NULL;
  histogram = __atomic_load_n (&priv->histograms[index], __ATOMIC_ACQUIRE);
  if (histogram != NULL)
    return histogram;
  mine = g_new0 (ColletHistogram, 1);
  if (__atomic_compare_exchange_n (&priv->histograms[index], &histogram, mine, FALSE, __ATOMIC_ACQ_REL,
                                   __ATOMIC_ACQUIRE))
    return mine;
  g_free (mine);
  return histogram;
}

/* What says nothing of the version: who called changed their mind, or the daemon
 * had no place. */
static gboolean
is_nobodys_fault (const GError *error)
{
  return g_error_matches (error, COLLET_ERROR, COLLET_ERROR_CALL_CANCELLED) ||
         g_error_matches (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENTS) ||
         g_error_matches (error, COLLET_ERROR, COLLET_ERROR_TOOL_NOT_FOUND) ||
         g_error_matches (error, COLLET_ERROR, COLLET_ERROR_OVERLOADED) ||
         g_error_matches (error, COLLET_ERROR, COLLET_ERROR_DRAIN_TIMEOUT) ||
         g_error_matches (error, COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN) ||
         g_error_matches (error, COLLET_ERROR, COLLET_ERROR_MESSAGE_TOO_LARGE);
}

void
collet_generation_renumber (ColletGeneration *self, guint64 number)
{
  __atomic_store_n (&PRIVATE (self)->spec->number, number, __ATOMIC_RELAXED);
}

void
collet_generation_answer (ColletGeneration *self, ColletCall *call, ColletCallResult *result)
{
  ColletGenerationPrivate *priv = PRIVATE (self);
  gboolean is_bad = result->error != NULL;
  gboolean tells = !result->is_cancelled && !is_nobodys_fault (result->error);
  gboolean counts = tells && !call->is_trial;
  ColletHistogram *histogram = counts ? ensure_histogram (priv, call->tool) : NULL;
  gint64 run_us = result->error == NULL ? result->run_us : -1;

  result->version = priv->spec->version;
  result->generation = __atomic_load_n (&priv->spec->number, __ATOMIC_RELAXED);
  result->is_bad = &is_bad;
  if (!call->is_trial)
    __atomic_fetch_add (&priv->calls, 1, __ATOMIC_RELAXED);
  if (g_error_matches (result->error, COLLET_ERROR, COLLET_ERROR_DRAIN_TIMEOUT))
    g_atomic_int_inc (&priv->calls_ended);
  if (result->error != NULL && tells)
    collet_call_log_add_failure (self, call, result->error);
  call->class_->done (call, result);
  /* The call may be gone; the lease keeps the generation. */
  if (is_bad && counts)
    __atomic_fetch_add (&priv->errors, 1, __ATOMIC_RELAXED);
  if (histogram != NULL)
    collet_histogram_add (histogram, is_bad, run_us);
}

void
collet_generation_answer_error (ColletGeneration *self, ColletCall *call, const GError *error)
{
  ColletCallResult result = { .error = error };

  collet_generation_answer (self, call, &result);
}

void
collet_generation_refuse (ColletGeneration *self, ColletCall *call, const GError *error)
{
  collet_generation_answer_error (self, call, error);
  collet_generation_release_lease (self);
}

/* Object */

static void
collet_generation_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ColletGenerationPrivate *priv = PRIVATE (COLLET_GENERATION (object));

  g_assert (id == PROP_SPEC);
  priv->spec = g_value_get_pointer (value);
  priv->histograms = g_new0 (ColletHistogram *, priv->spec->manifest->tools->len + 1);
  priv->title = g_strdup_printf ("%s %s", priv->spec->module, priv->spec->version->semver);
}

static void
collet_generation_finalize (GObject *object)
{
  ColletGenerationPrivate *priv = PRIVATE (COLLET_GENERATION (object));

  g_assert (collet_generation_get_leases (COLLET_GENERATION (object)) == 0);
  for (guint i = 0; i < priv->spec->manifest->tools->len; i++)
    g_free (priv->histograms[i]);
  g_free (priv->histograms);
  g_clear_pointer (&priv->spec, collet_generation_spec_free);
  g_free (priv->title);
  g_clear_pointer (&priv->snapshot, g_bytes_unref);
  g_array_unref (priv->waiters);
  g_ptr_array_unref (priv->refusals);
  g_main_context_unref (priv->context);
  G_OBJECT_CLASS (collet_generation_parent_class)->finalize (object);
}

static void
collet_generation_class_init (ColletGenerationClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = collet_generation_set_property;
  object_class->finalize = collet_generation_finalize;

  /* ColletGenerationSpec, taken. */
  g_object_class_install_property (object_class, PROP_SPEC,
                                   g_param_spec_pointer ("spec", NULL, NULL,
                                                         G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY |
                                                             G_PARAM_STATIC_STRINGS));
  signals[SIGNAL_CRASHED] = g_signal_new ("crashed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 2, G_TYPE_ERROR, G_TYPE_BOOLEAN);
  signals[SIGNAL_REFUSED] = g_signal_new ("refused", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 0);
}

static void
collet_generation_init (ColletGeneration *self)
{
  ColletGenerationPrivate *priv = PRIVATE (self);

  priv->waiters = g_array_new (FALSE, FALSE, sizeof (IdleWaiter));
  priv->refusals = collet_refusals_list_new ();
  priv->context = g_main_context_ref_thread_default ();
}
