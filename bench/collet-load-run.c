/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-load-run.h"

#include "collet-load-client.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define NS_PER_S 1000000000.0
#define RECONNECT_NS 50000000
#define SCAN_NS 100000000

struct _LoadRun
{
  const LoadOptions *options;
  LoadTally *tally;
  GPtrArray *clients; /* LoadClient */
  int epoll, signals;
  guint64 issued;
  guint busy;
  gint64 wall_offset_us; /* what turns CLOCK_MONOTONIC into time since 1970 */
  gint64 begun_ns, timed_ns, end_ns, next_line_ns, next_scan_ns;
  gboolean is_stopping;
};

static gint64
now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

static gboolean
watch (LoadRun *run, LoadClient *client)
{
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };

  return epoll_ctl (run->epoll, EPOLL_CTL_ADD, client->io->fd, &event) == 0;
}

LoadRun *
load_run_new (const LoadOptions *options, LoadTally *tally, GError **error)
{
  g_autoptr (LoadRun) run = g_new0 (LoadRun, 1);
  struct epoll_event event = { .events = EPOLLIN };
  sigset_t signals;

  sigemptyset (&signals);
  sigaddset (&signals, SIGTERM);
  sigaddset (&signals, SIGINT);
  sigaddset (&signals, SIGUSR1);
  sigprocmask (SIG_BLOCK, &signals, NULL);
  run->options = options;
  run->tally = tally;
  run->clients = g_ptr_array_new_with_free_func ((GDestroyNotify)load_client_free);
  run->epoll = epoll_create1 (EPOLL_CLOEXEC);
  run->signals = signalfd (-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  epoll_ctl (run->epoll, EPOLL_CTL_ADD, run->signals, &event);
  run->wall_offset_us = g_get_real_time () - now_ns () / 1000;
  for (guint i = 0; i < options->connections; i++)
    {
      LoadClient *client = load_client_new (&options->dialect, options->run_id, i);

      g_ptr_array_add (run->clients, client);
      if (!load_client_open (client, options->timeout_ms, error))
        return NULL;
      watch (run, client);
    }
  return g_steal_pointer (&run);
}

void
load_run_free (LoadRun *run)
{
  g_ptr_array_unref (run->clients);
  close (run->epoll);
  close (run->signals);
  g_free (run);
}

static void
write_ledger (LoadRun *run, const LoadCall *call, const LoadVerdict *verdict)
{
  char result[24] = "-", value[24] = "-";

  if (run->options->ledger == NULL)
    return;
  if (verdict->has_result)
    g_snprintf (result, sizeof result, "%" G_GINT64_FORMAT, verdict->result);
  if (call->tool == LOAD_TOOL_ADD || call->tool == LOAD_TOOL_MEMORY_ADD)
    g_snprintf (value, sizeof value, "%" G_GINT64_FORMAT, call->value);
  fprintf (run->options->ledger, "%s\t%s\t%s\t%s\t%s\t%.*s\t%.*s\t%" G_GINT64_FORMAT, call->id,
           load_tool_name (&run->options->dialect, call->tool), value, result, verdict->outcome,
           verdict->version.at != NULL ? (int)verdict->version.size : 1,
           verdict->version.at != NULL ? verdict->version.at : "-",
           verdict->sha256.at != NULL ? (int)verdict->sha256.size : 1,
           verdict->sha256.at != NULL ? verdict->sha256.at : "-", verdict->generation);
  fprintf (run->options->ledger, "\t%" G_GINT64_FORMAT "\t%" G_GINT64_FORMAT "\n",
           call->started_ns / 1000 + run->wall_offset_us, call->ended_ns / 1000 + run->wall_offset_us);
}

/* The call of this client has ended, one way or the other. */
static void
end_call (LoadRun *run, LoadClient *client, LoadVerdict *verdict)
{
  client->call.ended_ns = now_ns ();
  client->is_calling = FALSE;
  run->busy--;
  load_tally_count_ended (run->tally, &client->call, verdict, client->call.started_ns >= run->timed_ns);
  write_ledger (run, &client->call, verdict);
}

static void
end_call_badly (LoadRun *run, LoadClient *client, const char *outcome)
{
  LoadVerdict verdict = { .text = { client->call.id, strlen (client->call.id) } };

  g_strlcpy (verdict.outcome, outcome, sizeof verdict.outcome);
  end_call (run, client, &verdict);
}

static void
drop_connection (LoadRun *run, LoadClient *client)
{
  load_connection_close (client->io);
  client->reopen_ns = now_ns () + RECONNECT_NS;
}

static void
begin_call (LoadRun *run, LoadClient *client, LoadTool tool)
{
  LoadConnection *io = client->io;
  gboolean is_sent;

  load_client_prepare (client, tool);
  client->call.started_ns = now_ns ();
  client->is_calling = TRUE;
  run->busy++;
  load_tally_count_sent (run->tally);
  if (io->fd < 0)
    {
      end_call_badly (run, client, "refused");
      return;
    }
  is_sent = load_connection_send (io);
  if (!is_sent)
    {
      end_call_badly (run, client, "reset");
      drop_connection (run, client);
    }
  else if (io->sent < io->out->len)
    {
      struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.ptr = client };
      epoll_ctl (run->epoll, EPOLL_CTL_MOD, io->fd, &event);
    }
}

/* A connection that broke is opened anew before the next call; if that fails,
 * that call counts as refused. */
static void
begin_next_call (LoadRun *run, LoadClient *client)
{
  LoadTool tool = LOAD_TOOL_GIVEN;

  if (run->options->is_verify)
    tool = client->n % 2 == 0 ? LOAD_TOOL_MEMORY_ADD : LOAD_TOOL_ADD;
  if (client->io->fd < 0 && load_connection_open (client->io, &run->options->url, NULL))
    watch (run, client);
  run->issued++;
  begin_call (run, client, tool);
  if (client->io->fd < 0)
    client->reopen_ns = now_ns () + RECONNECT_NS;
}

static void
on_reply (LoadRun *run, LoadClient *client, const LoadResponse *response, gboolean has_more)
{
  LoadVerdict verdict;

  load_call_judge (&client->call, response, &verdict);
  end_call (run, client, &verdict);
  if (has_more)
    load_tally_count_fault (run->tally, "unasked", "more bytes came than the reply has");
  if (has_more || client->io->will_close)
    drop_connection (run, client);
}

static void
on_ready (LoadRun *run, LoadClient *client, guint32 events)
{
  LoadConnection *io = client->io;
  LoadResponse response;
  LoadIo result;

  if (io->fd < 0)
    return;
  if ((events & EPOLLOUT) != 0)
    {
      struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };

      if (load_connection_flush (io) && io->sent == io->out->len)
        epoll_ctl (run->epoll, EPOLL_CTL_MOD, io->fd, &event);
      if ((events & ~(guint32)EPOLLOUT) == 0)
        return;
    }
  result = load_connection_receive (io, &response);
  if (result == LOAD_IO_WAITING)
    return;
  if (result == LOAD_IO_RESPONSE || (result == LOAD_IO_UNASKED && client->is_calling))
    {
      on_reply (run, client, &response, result == LOAD_IO_UNASKED);
      return;
    }
  /* An idle connection may be closed; one with a call on it may not. */
  if (client->is_calling)
    end_call_badly (run, client, load_io_name (result));
  else if (result != LOAD_IO_CLOSED)
    load_tally_count_fault (run->tally, load_io_name (result), "on an idle connection");
  drop_connection (run, client);
}

static void
print_line (LoadRun *run)
{
  printf ("{\"at_us\":%" G_GINT64_FORMAT ",\"made\":%" G_GUINT64_FORMAT ",\"failed\":%" G_GUINT64_FORMAT
          ",\"in_flight\":%u}\n",
          now_ns () / 1000 + run->wall_offset_us, load_tally_get_made (run->tally),
          load_tally_get_failed (run->tally), run->busy);
  fflush (stdout);
}

static void
on_signal (LoadRun *run)
{
  struct signalfd_siginfo info;

  while (read (run->signals, &info, sizeof info) == sizeof info)
    {
      if (info.ssi_signo == SIGUSR1)
        print_line (run);
      else
        run->is_stopping = TRUE;
    }
}

static guint64
allowance (LoadRun *run, gint64 now)
{
  guint64 limit = run->options->calls > 0 ? run->options->calls : G_MAXUINT64;

  if (run->is_stopping)
    return 0;
  if (run->options->rate > 0)
    limit = MIN (limit, (guint64)ceil ((double)(now - run->begun_ns) / NS_PER_S * run->options->rate));
  return limit > run->issued ? limit - run->issued : 0;
}

static void
begin_calls (LoadRun *run, gint64 now)
{
  guint64 allowed = allowance (run, now);

  for (guint i = 0; i < run->clients->len && allowed > 0; i++)
    {
      LoadClient *client = g_ptr_array_index (run->clients, i);

      if (client->is_calling || (client->io->fd < 0 && now < client->reopen_ns))
        continue;
      begin_next_call (run, client);
      allowed--;
    }
}

static void
end_overdue_calls (LoadRun *run, gint64 now)
{
  for (guint i = 0; i < run->clients->len; i++)
    {
      LoadClient *client = g_ptr_array_index (run->clients, i);

      if (client->is_calling &&
          now - client->call.started_ns > run->options->timeout_ms * G_GINT64_CONSTANT (1000000))
        {
          end_call_badly (run, client, "timeout");
          drop_connection (run, client);
        }
    }
}

/* What is due by the clock. */
static void
tick (LoadRun *run, gint64 now)
{
  const LoadOptions *options = run->options;

  if (now >= run->end_ns || (options->calls > 0 && run->issued >= options->calls))
    run->is_stopping = TRUE;
  if (now >= run->next_scan_ns)
    {
      end_overdue_calls (run, now);
      run->next_scan_ns = now + SCAN_NS;
    }
  if (options->interval > 0 && now >= run->next_line_ns)
    {
      print_line (run);
      run->next_line_ns = now + (gint64)(options->interval * NS_PER_S);
    }
}

gboolean
load_run_call_once (LoadRun *run, LoadTool tool, gint64 *result)
{
  LoadClient *client = g_ptr_array_index (run->clients, 0);
  g_autoptr (GError) error = NULL;
  LoadResponse response;
  LoadVerdict verdict;

  if (client->io->fd < 0 && load_connection_open (client->io, &run->options->url, NULL))
    watch (run, client);
  run->timed_ns = G_MAXINT64;
  begin_call (run, client, tool);
  if (!client->is_calling)
    return FALSE;
  if (!load_connection_wait (client->io, run->options->timeout_ms, &response, &error))
    {
      end_call_badly (run, client, "no-reply");
      drop_connection (run, client);
      return FALSE;
    }
  load_call_judge (&client->call, &response, &verdict);
  end_call (run, client, &verdict);
  *result = verdict.result;
  return g_str_equal (verdict.outcome, "ok") && verdict.has_result;
}

double
load_run_drive (LoadRun *run)
{
  const LoadOptions *options = run->options;
  struct epoll_event events[64];
  int wait_ms = options->is_busy ? 0 : options->rate > 0 ? 1 : 20;

  run->begun_ns = now_ns ();
  run->timed_ns = run->begun_ns + (gint64)(options->warm_up * NS_PER_S);
  run->end_ns = options->seconds > 0 ? run->timed_ns + (gint64)(options->seconds * NS_PER_S) : G_MAXINT64;
  while (!run->is_stopping || run->busy > 0)
    {
      gint64 now = now_ns ();
      int n;

      tick (run, now);
      begin_calls (run, now);
      n = epoll_wait (run->epoll, events, G_N_ELEMENTS (events), wait_ms);
      for (int i = 0; i < n; i++)
        {
          LoadClient *client = events[i].data.ptr;

          if (client == NULL)
            {
              on_signal (run);
              continue;
            }
          on_ready (run, client, events[i].events);
          /* At full speed the next call goes out at once. */
          if (!client->is_calling && options->rate <= 0 && client->io->fd >= 0 && allowance (run, 0) > 0)
            begin_next_call (run, client);
        }
    }
  return (double)(now_ns () - run->timed_ns) / NS_PER_S;
}
