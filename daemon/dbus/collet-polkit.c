/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-polkit.h"

#include <polkit/polkit.h>

#include "collet-error.h"

typedef struct
{
  GDBusConnection *connection;
  PolkitSubject *subject;
  PolkitDetails *details;
  char *action;
  PolkitCheckAuthorizationFlags flags;
} Question;

static void
question_free (Question *question)
{
  g_object_unref (question->connection);
  g_object_unref (question->subject);
  g_object_unref (question->details);
  g_free (question->action);
  g_free (question);
}

static void
refuse (GTask *task, const char *reason, const GError *cause)
{
  const Question *question = g_task_get_task_data (task);

  g_task_return_new_error (task, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED, "%s%s%s (%s)", reason,
                           cause != NULL ? ": " : "", cause != NULL ? cause->message : "", question->action);
}

static void
on_answer (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  const Question *question = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (PolkitAuthorizationResult) answer =
      polkit_authority_check_authorization_finish (POLKIT_AUTHORITY (object), result, &error);

  if (answer == NULL)
    refuse (task, "polkit gave no answer, so this is refused", error);
  else if (polkit_authorization_result_get_is_authorized (answer))
    g_task_return_boolean (task, TRUE);
  else if (polkit_authorization_result_get_dismissed (answer))
    refuse (task, "The question for a password was dismissed; nothing was changed.", NULL);
  else if (!polkit_authorization_result_get_is_challenge (answer))
    refuse (task,
            question->flags == POLKIT_CHECK_AUTHORIZATION_FLAGS_NONE
                ? "The administrator's rules do not let you do this. Ask for it, or ask as root."
                : "No right password was given, or the administrator's rules do not let you do this. Try "
                  "again, ask "
                  "for it, or ask as root.",
            NULL);
  else if (question->flags == POLKIT_CHECK_AUTHORIZATION_FLAGS_NONE)
    refuse (task,
            "This takes a password, and the call did not let it ask for one. Call with interactive "
            "authorization, or ask as root.",
            NULL);
  else
    refuse (task,
            "This takes a password, and nothing in your session could ask for it. Start an authentication "
            "agent (pkttyagent in a terminal), or ask as root.",
            NULL);
}

static void
on_authority (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  const Question *question = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (PolkitAuthority) authority = polkit_authority_get_finish (result, &error);

  if (authority == NULL)
    {
      refuse (task, "polkit is not there to ask, so this is refused", error);
      return;
    }
  polkit_authority_check_authorization (authority, question->subject, question->action, question->details,
                                        question->flags, NULL, on_answer, g_object_ref (task));
  /* Kept as long as the bus, or each question would make its proxy anew. */
  g_object_set_data_full (G_OBJECT (question->connection), "collet-polkit", g_steal_pointer (&authority),
                          g_object_unref);
}

void
collet_polkit_check_async (GDBusMethodInvocation *invocation, const char *action, const char *module,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (invocation, NULL, callback, user_data);
  GDBusMessage *message = g_dbus_method_invocation_get_message (invocation);
  Question *question = g_new0 (Question, 1);

  question->connection = g_object_ref (g_dbus_method_invocation_get_connection (invocation));
  question->subject = polkit_system_bus_name_new (g_dbus_method_invocation_get_sender (invocation));
  question->details = polkit_details_new ();
  question->action = g_strdup (action);
  if (module != NULL)
    polkit_details_insert (question->details, "module", module);
  if ((g_dbus_message_get_flags (message) & G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION) != 0)
    question->flags = POLKIT_CHECK_AUTHORIZATION_FLAGS_ALLOW_USER_INTERACTION;
  g_task_set_task_data (task, question, (GDestroyNotify)question_free);
  polkit_authority_get_async (NULL, on_authority, task);
}

gboolean
collet_polkit_check_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
