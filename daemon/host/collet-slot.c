/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-slot-private.h"

#include "collet-call-form.h"
#include "collet-error.h"
#include "collet-source.h"

/* target_data[0] says where a call is: nowhere yet (NULL), one of these, or the
 * generation that has it. target_data[3]: it was cancelled before it was seen. */
static const char is_waiting, is_over;
#define WAITING ((gpointer)&is_waiting)
#define OVER ((gpointer)&is_over)

static void
answer_error (ColletCall *call, const GError *error)
{
  ColletCallResult result = { .error = error };

  call->class_->done (call, &result);
}

static void
answer_cancelled (ColletCall *call)
{
  g_autoptr (GError) error = g_error_new_literal (COLLET_ERROR, COLLET_ERROR_CALL_CANCELLED,
                                                  "The call was cancelled before it began.");

  answer_error (call, error);
}

static void
answer_not_loaded (ColletSlot *slot, ColletCall *call)
{
  g_autoptr (GError) error =
      g_error_new (COLLET_ERROR, COLLET_ERROR_MODULE_NOT_LOADED,
                   "No version of %s is loaded. Load one, then call again.", slot->module);

  answer_error (call, error);
}

static void
answer_overloaded (ColletSlot *slot, ColletCall *call)
{
  g_autoptr (GError) error =
      g_error_new (COLLET_ERROR, COLLET_ERROR_OVERLOADED,
                   "%u calls of %s wait already for its reload. Call again in a moment.", slot->max_waiting,
                   slot->module);

  answer_error (call, error);
}

static void
answer_late (ColletSlot *slot, ColletCall *call)
{
  g_autoptr (GError) error =
      g_error_new (COLLET_ERROR, COLLET_ERROR_CALL_TIMEOUT,
                   "The call's time was over while it waited for the reload of %s; it did not begin.",
                   slot->module);

  answer_error (call, error);
}

/* Timer of those who wait. It holds a reference, and it exists only while
 * somebody waits, so it is gone soon after the gate opened. */

/* Main thread. */
static void
drop_timer (ColletSlot *slot)
{
  GSource *timer = NULL;

  pthread_mutex_lock (&slot->lock);
  if (slot->waiting.length == 0 && slot->withdrawn.length == 0)
    timer = g_steal_pointer (&slot->timer);
  pthread_mutex_unlock (&slot->lock);
  collet_source_drop (&timer);
}

static gboolean
on_timer (gpointer user_data)
{
  ColletSlot *slot = user_data;
  ColletWaitingCalls late = { 0 }, withdrawn;
  gint64 next;
  ColletCall *call;

  pthread_mutex_lock (&slot->lock);
  next = collet_waiting_calls_take_late (&slot->waiting, g_get_monotonic_time (), &late);
  for (call = late.first; call != NULL; call = call->target_data[2])
    call->target_data[0] = OVER;
  withdrawn = slot->withdrawn;
  slot->withdrawn = (ColletWaitingCalls){ 0 };
  if (slot->timer != NULL)
    g_source_set_ready_time (slot->timer, next == G_MAXINT64 ? -1 : next);
  pthread_mutex_unlock (&slot->lock);

  while ((call = collet_waiting_calls_pop (&late)) != NULL)
    answer_late (slot, call);
  while ((call = collet_waiting_calls_pop (&withdrawn)) != NULL)
    answer_cancelled (call);
  drop_timer (slot);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_timer (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs timer_funcs = { .dispatch = dispatch_timer };

/* Locked. */
static void
advance_timer (ColletSlot *slot, gint64 at)
{
  gint64 ready;

  if (at == G_MAXINT64)
    return;
  if (slot->timer == NULL)
    {
      slot->timer = g_source_new (&timer_funcs, sizeof (GSource));
      g_source_set_static_name (slot->timer, "collet-slot");
      g_source_set_callback (slot->timer, on_timer, collet_slot_ref (slot),
                             (GDestroyNotify)collet_slot_unref);
      g_source_set_ready_time (slot->timer, at);
      g_source_attach (slot->timer, slot->context);
      return;
    }
  ready = g_source_get_ready_time (slot->timer);
  if (ready < 0 || at < ready)
    g_source_set_ready_time (slot->timer, at);
}

/* Calls, on any thread */

/* Locked. For a call that is for one version; NULL: that is not live. */
static ColletGeneration *
lease_asked_for (ColletSlot *slot, const ColletCall *call, GError **refusal)
{
  ColletGeneration *generation = NULL;

  if (call->version != NULL)
    {
      generation = collet_slot_lease_version (slot, call->version);
      if (generation == NULL)
        *refusal = collet_slot_make_mismatch (slot, call->version);
    }
  else if (call->input != NULL && call->input->asked_by != NULL)
    generation = collet_slot_lease_version (slot, call->input->asked_by);
  return generation;
}

/* Locked. With a lease; NULL: none published, or the call is refused. */
static ColletGeneration *
hand_over (ColletSlot *slot, ColletCall *call, GError **refusal)
{
  ColletGeneration *generation = NULL;

  if (slot->refusal != NULL)
    *refusal = g_error_copy (slot->refusal);
  else if (slot->published != NULL)
    {
      generation = lease_asked_for (slot, call, refusal);
      if (generation == NULL && *refusal == NULL)
        {
          if (slot->canary != NULL)
            generation = collet_canary_choose (slot->canary, call);
          if (generation == NULL)
            generation = slot->published;
          collet_generation_take_lease (generation);
        }
    }
  call->target_data[0] = generation != NULL ? (gpointer)generation : OVER;
  return generation;
}

/* What a canary does not take goes to what is published, if it was checked for that. */
static ColletGeneration *
fall_back (ColletSlot *slot, ColletCall *call, ColletGeneration *refused)
{
  ColletGeneration *published;

  pthread_mutex_lock (&slot->lock);
  published = slot->published;
  if (published == NULL || published == refused || call->version != NULL ||
      collet_generation_get_spec (published)->manifest != call->checked)
    published = NULL;
  else
    {
      collet_generation_take_lease (published);
      call->target_data[0] = published;
    }
  pthread_mutex_unlock (&slot->lock);
  if (published != NULL)
    collet_generation_release_lease (refused);
  return published;
}

/* It was checked for another version: a reload was quicker, or it is for a canary. */
static void
dispatch_renewed (ColletSlot *slot, ColletGeneration *generation, ColletCall *call)
{
  g_autoptr (GError) error = NULL;
  ColletGeneration *other;

  if (collet_call_form_renew (call, collet_generation_get_spec (generation)->manifest, &error))
    {
      collet_generation_dispatch (generation, call);
      return;
    }
  other = fall_back (slot, call, generation);
  if (other != NULL)
    collet_generation_dispatch (other, call);
  else
    collet_generation_refuse (generation, call, error);
}

/* Takes `refusal`. */
static void
pass_on (ColletSlot *slot, ColletGeneration *generation, ColletCall *call, GError *refusal)
{
  g_autoptr (GError) error = refusal;

  if (generation != NULL && call->checked != NULL &&
      call->checked != collet_generation_get_spec (generation)->manifest)
    dispatch_renewed (slot, generation, call);
  else if (generation != NULL)
    collet_generation_dispatch (generation, call);
  else if (error != NULL)
    answer_error (call, error);
  else
    answer_not_loaded (slot, call);
}

/* Locked. FALSE: too many wait. */
static gboolean
enqueue (ColletSlot *slot, ColletCall *call)
{
  if (slot->waiting.length >= slot->max_waiting)
    {
      call->target_data[0] = OVER;
      return FALSE;
    }
  call->target_data[0] = WAITING;
  call->may_run_here = FALSE; /* the main thread will pass it on */
  collet_waiting_calls_push (&slot->waiting, call);
  advance_timer (slot, call->deadline_us);
  return TRUE;
}

static void
slot_dispatch (ColletCallTarget *target, ColletCall *call)
{
  ColletSlot *slot = (ColletSlot *)target;
  ColletGeneration *generation = NULL;
  gboolean cancelled, waits = FALSE, overloaded = FALSE;
  GError *refusal = NULL;

  pthread_mutex_lock (&slot->lock);
  cancelled = call->target_data[3] != NULL;
  if (cancelled)
    call->target_data[0] = OVER;
  else if (slot->closed && slot->refusal == NULL)
    {
      waits = enqueue (slot, call);
      overloaded = !waits;
    }
  else
    generation = hand_over (slot, call, &refusal);
  pthread_mutex_unlock (&slot->lock);

  /* A call that waits may be over by now. */
  if (waits)
    return;
  if (cancelled)
    answer_cancelled (call);
  else if (overloaded)
    answer_overloaded (slot, call);
  else
    pass_on (slot, generation, call, refusal);
}

static void
slot_cancel (ColletCallTarget *target, ColletCall *call)
{
  ColletSlot *slot = (ColletSlot *)target;
  gboolean is_running;
  gpointer where;

  pthread_mutex_lock (&slot->lock);
  where = call->target_data[0];
  is_running = where != NULL && where != WAITING && where != OVER;
  if (is_running)
    g_object_ref (where); /* it may be passed on to another one meanwhile */
  if (where == NULL)
    call->target_data[3] = OVER;
  else if (where == WAITING)
    {
      /* Answered on the main thread: the asker may hold a lock of its own. */
      call->target_data[0] = OVER;
      collet_waiting_calls_remove (&slot->waiting, call);
      collet_waiting_calls_push (&slot->withdrawn, call);
      advance_timer (slot, 0);
    }
  pthread_mutex_unlock (&slot->lock);

  if (!is_running)
    return;
  collet_generation_cancel (COLLET_GENERATION (where), call);
  g_object_unref (where);
}

/* The gate, on the main thread */

/* Newcomers queue behind those who wait until all of these are through, so that
 * none is overtaken; but not for ever, should they come faster than they go. */
void
collet_slot_open_gate (ColletSlot *slot)
{
  guint budget = collet_slot_get_waiting (slot) + slot->max_waiting;
  ColletCall *call;

  do
    {
      ColletGeneration *generation = NULL;
      GError *refusal = NULL;

      pthread_mutex_lock (&slot->lock);
      call = collet_waiting_calls_pop (&slot->waiting);
      if (call != NULL)
        generation = hand_over (slot, call, &refusal);
      if (slot->closed && (call == NULL || budget-- == 0))
        {
          slot->closed = FALSE;
          slot->pause_us = MAX (g_get_monotonic_time () - slot->closed_at, 1);
        }
      pthread_mutex_unlock (&slot->lock);
      if (call != NULL)
        pass_on (slot, generation, call, refusal);
    }
  while (call != NULL);
  drop_timer (slot);
}

ColletGeneration *
collet_slot_publish (ColletSlot *slot, ColletGeneration *next)
{
  ColletGeneration *former;
  ColletCanary *canary;
  gint64 began_us;

  if (next != NULL)
    g_object_ref (next);
  pthread_mutex_lock (&slot->lock);
  began_us = g_get_monotonic_time ();
  former = slot->published;
  slot->published = next;
  collet_slot_note_leaving (slot, former, next);
  canary = g_steal_pointer (&slot->canary);
  if (!slot->closed)
    slot->pause_us = g_get_monotonic_time () - began_us; /* all that a call can wait here */
  pthread_mutex_unlock (&slot->lock);

  collet_canary_free (canary);
  collet_slot_resume (slot);
  return former;
}

void
collet_slot_set_canary (ColletSlot *slot, ColletGeneration *candidate, guint percent,
                        const char *const *callers)
{
  ColletCanary *next = candidate != NULL ? collet_canary_new (candidate, percent, callers) : NULL;
  ColletCanary *former;

  pthread_mutex_lock (&slot->lock);
  former = slot->canary;
  slot->canary = next;
  pthread_mutex_unlock (&slot->lock);
  collet_canary_free (former);
}

void
collet_slot_refuse (ColletSlot *slot, const GError *error)
{
  g_autoptr (GError) former = NULL;

  pthread_mutex_lock (&slot->lock);
  former = g_steal_pointer (&slot->refusal);
  slot->refusal = error != NULL ? g_error_copy (error) : NULL;
  pthread_mutex_unlock (&slot->lock);
}

ColletGeneration *
collet_slot_dup_published (ColletSlot *slot)
{
  ColletGeneration *published;

  pthread_mutex_lock (&slot->lock);
  published = slot->published != NULL ? g_object_ref (slot->published) : NULL;
  pthread_mutex_unlock (&slot->lock);
  return published;
}

gint64
collet_slot_get_pause_us (ColletSlot *slot)
{
  gint64 pause_us;

  pthread_mutex_lock (&slot->lock);
  pause_us = slot->pause_us;
  pthread_mutex_unlock (&slot->lock);
  return pause_us;
}

guint
collet_slot_get_waiting (ColletSlot *slot)
{
  guint waiting;

  pthread_mutex_lock (&slot->lock);
  waiting = slot->waiting.length;
  pthread_mutex_unlock (&slot->lock);
  return waiting;
}

/* Life */

static ColletCallTarget *
slot_ref (ColletCallTarget *target)
{
  return (ColletCallTarget *)collet_slot_ref ((ColletSlot *)target);
}

static void
slot_unref (ColletCallTarget *target)
{
  collet_slot_unref ((ColletSlot *)target);
}

static ColletVersion *
slot_find_version (ColletCallTarget *target, const char *text, ColletManifest **manifest, GError **error)
{
  return collet_slot_find_version ((ColletSlot *)target, text, manifest, error);
}

static const ColletCallTargetClass slot_class = { slot_ref, slot_unref, slot_dispatch, slot_cancel,
                                                  slot_find_version };

ColletSlot *
collet_slot_new (const char *module, guint max_waiting)
{
  ColletSlot *slot = g_new0 (ColletSlot, 1);

  slot->target.class_ = &slot_class;
  slot->ref_count = 1;
  slot->module = g_strdup (module);
  slot->max_waiting = max_waiting;
  slot->leaving = g_ptr_array_new_with_free_func (g_object_unref);
  slot->context = g_main_context_ref_thread_default ();
  pthread_mutex_init (&slot->lock, NULL);
  return slot;
}

ColletSlot *
collet_slot_ref (ColletSlot *slot)
{
  g_atomic_int_inc (&slot->ref_count);
  return slot;
}

void
collet_slot_unref (ColletSlot *slot)
{
  if (!g_atomic_int_dec_and_test (&slot->ref_count))
    return;
  /* Who waits holds a reference through the timer, or is the asker's bug. */
  g_assert (slot->waiting.length == 0 && slot->turn == NULL && slot->timer == NULL);
  g_ptr_array_unref (slot->leaving);
  g_clear_object (&slot->published);
  g_clear_error (&slot->refusal);
  collet_canary_free (slot->canary);
  g_main_context_unref (slot->context);
  pthread_mutex_destroy (&slot->lock);
  g_free (slot->module);
  g_free (slot);
}

ColletCallTarget *
collet_slot_as_target (ColletSlot *slot)
{
  return &slot->target;
}
