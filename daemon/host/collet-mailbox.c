/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mailbox.h"

#include <pthread.h>

typedef struct _Message Message;

struct _Message
{
  Message *next;
  void (*func) (gpointer data);
  gpointer data;
  GDestroyNotify destroy;
};

struct _ColletMailbox
{
  pthread_mutex_t lock;
  Message *first, *last;
  GSource *source;
};

static Message *
take_all (ColletMailbox *mailbox)
{
  Message *first;

  pthread_mutex_lock (&mailbox->lock);
  first = mailbox->first;
  mailbox->first = mailbox->last = NULL;
  pthread_mutex_unlock (&mailbox->lock);
  return first;
}

static void
message_free (Message *message)
{
  if (message->destroy != NULL)
    message->destroy (message->data);
  g_free (message);
}

void
collet_mailbox_flush (ColletMailbox *mailbox)
{
  Message *message;

  g_source_set_ready_time (mailbox->source, -1);
  message = take_all (mailbox);
  while (message != NULL)
    {
      Message *next = message->next;

      message->func (message->data);
      message_free (message);
      message = next;
    }
}

static gboolean
on_ready (gpointer user_data)
{
  collet_mailbox_flush (user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs source_funcs = { .dispatch = dispatch };

ColletMailbox *
collet_mailbox_new (void)
{
  ColletMailbox *mailbox = g_new0 (ColletMailbox, 1);

  pthread_mutex_init (&mailbox->lock, NULL);
  mailbox->source = g_source_new (&source_funcs, sizeof (GSource));
  g_source_set_static_name (mailbox->source, "collet-mailbox");
  g_source_set_callback (mailbox->source, on_ready, mailbox, NULL);
  g_source_attach (mailbox->source, g_main_context_get_thread_default ());
  return mailbox;
}

void
collet_mailbox_free (ColletMailbox *mailbox)
{
  Message *message = take_all (mailbox);

  while (message != NULL)
    {
      Message *next = message->next;

      message_free (message);
      message = next;
    }
  g_source_destroy (mailbox->source);
  g_source_unref (mailbox->source);
  pthread_mutex_destroy (&mailbox->lock);
  g_free (mailbox);
}

void
collet_mailbox_post (ColletMailbox *mailbox, void (*func) (gpointer data), gpointer data,
                     GDestroyNotify destroy)
{
  Message *message = g_new (Message, 1);

  *message = (Message){ .func = func, .data = data, .destroy = destroy };
  pthread_mutex_lock (&mailbox->lock);
  if (mailbox->last != NULL)
    mailbox->last->next = message;
  else
    mailbox->first = message;
  mailbox->last = message;
  /* Under the lock, so that the mailbox cannot be freed in between. */
  g_source_set_ready_time (mailbox->source, 0);
  pthread_mutex_unlock (&mailbox->lock);
}
