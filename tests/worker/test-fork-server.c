/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collet-test-client.h"

#ifdef __SANITIZE_ADDRESS__ /* forks slowly */
#define N_CYCLES 200
#else
#define N_CYCLES 1000
#endif

typedef struct
{
  Server server;
  Worker worker;
} Fixture;

static void
server_set_up (Fixture *self, gconstpointer data)
{
  server_start (&self->server);
}

static void
server_tear_down (Fixture *self, gconstpointer data)
{
  if (self->server.process != NULL)
    server_stop (&self->server);
}

static guint
count_entries (const char *path)
{
  DIR *folder = opendir (path);
  guint n = 0;

  g_assert_nonnull (folder);
  while (readdir (folder) != NULL)
    n++;
  closedir (folder);
  return n;
}

static guint
count_server_fds (Fixture *self)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/fd", g_subprocess_get_identifier (self->server.process));

  return count_entries (path);
}

/* Zombies count as well. */
static gsize
count_children (Fixture *self)
{
  const char *pid = g_subprocess_get_identifier (self->server.process);
  g_autofree char *path = g_strdup_printf ("/proc/%s/task/%s/children", pid, pid);
  g_autofree char *text = NULL;
  g_auto (GStrv) pids = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  pids = g_strsplit (g_strstrip (text), " ", -1);
  return text[0] != '\0' ? g_strv_length (pids) : 0;
}

static void
start_echo (Fixture *self, Worker *worker)
{
  g_autofree char *path = module_path ("COLLET_TEST_MODULES_DIR", "echo-1.0.0.so");

  worker_start (&self->server, worker, path, 1);
}

static void
test_many (Fixture *self, gconstpointer data)
{
  const guint n = g_test_thorough () ? 10000 : N_CYCLES;
  guint own_fds = 0, server_fds = 0;

  for (guint i = 0; i < n; i++)
    {
      if (i == 10)
        {
          own_fds = count_entries ("/proc/self/fd");
          server_fds = count_server_fds (self);
        }
      start_echo (self, &self->worker);
      close (self->worker.control_fd); /* as a daemon that dies; worker_end closes another */
      self->worker.control_fd = dup (self->worker.call_fd);
      g_assert_cmpint (worker_end (&self->server, &self->worker), ==, 0);
    }
  g_assert_cmpuint (count_entries ("/proc/self/fd"), ==, own_fds);
  g_assert_cmpuint (count_server_fds (self), ==, server_fds);
  g_assert_cmpuint (count_children (self), ==, 0);
}

/* A hundred at a time, whose ends come in one go. */
static void
test_burst (Fixture *self, gconstpointer data)
{
  Worker workers[100];
  guint n_ended = 0;

  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    start_echo (self, &workers[i]);
  g_assert_cmpuint (count_children (self), ==, G_N_ELEMENTS (workers));
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    {
      close (workers[i].call_fd);
      close (workers[i].control_fd);
      close (workers[i].pidfd);
    }
  while (n_ended < G_N_ELEMENTS (workers))
    {
      g_autoptr (Received) ended = expect (self->server.fd, COLLET_FRAME_EXITED);
      n_ended++;
    }
  g_assert_cmpuint (count_children (self), ==, 0);
}

static void
wait_gone (Worker *worker)
{
  struct pollfd gone = { .fd = worker->pidfd, .events = POLLIN };

  g_assert_cmpint (poll (&gone, 1, 10000), ==, 1);
  close (worker->pidfd);
  close (worker->call_fd);
  close (worker->control_fd);
}

/* One that sits in its constructor does not look at its channels. */
static void
start_idle_and_hanging (Fixture *self, Worker *idle, Worker *hanging)
{
  g_autofree char *path = module_path ("COLLET_TEST_MODULES_DIR", "hang-constructor.so");
  struct collet_limits limits = default_limits ();

  start_echo (self, idle);
  worker_spawn (&self->server, hanging, path, &limits, 1, FALSE);
}

static void
test_server_dies (Fixture *self, gconstpointer data)
{
  Worker idle, hanging;

  start_idle_and_hanging (self, &idle, &hanging);
  g_subprocess_force_exit (self->server.process);
  g_assert_true (g_subprocess_wait (self->server.process, NULL, NULL));
  g_clear_object (&self->server.process);
  wait_gone (&idle);
  wait_gone (&hanging);
  close (self->server.fd);
}

static void
test_daemon_dies (Fixture *self, gconstpointer data)
{
  Worker idle, hanging;

  start_idle_and_hanging (self, &idle, &hanging);
  server_stop (&self->server);
  wait_gone (&idle);
  wait_gone (&hanging);
}

/* Signals that a terminal or a service manager sends to a whole group. */
static void
test_group_signals (Fixture *self, gconstpointer data)
{
  static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
  g_autofree char *json = NULL;

  start_echo (self, &self->worker);
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    {
      kill (self->worker.pid, signals[i]);
      g_subprocess_send_signal (self->server.process, signals[i]);
    }
  json = worker_call (&self->worker, 1, "echo", "{\"a\":1}", NULL);
  g_assert_nonnull (strstr (json, "\"structuredContent\":{\"a\":1}"));
  worker_stop (&self->server, &self->worker);
}

static void
expect_refused (Fixture *self, guint64 id)
{
  g_autoptr (Received) answer = expect (self->server.fd, COLLET_FRAME_REFUSED);
  struct collet_failure failure;

  g_assert_cmpuint (answer->frame.header.id, ==, id);
  g_assert_true (collet_failure_decode (&failure, answer->frame.payload, answer->frame.header.size));
  g_assert_cmpstr (failure.name, ==, "SpawnFailed");
}

static void
test_malformed (Fixture *self, gconstpointer data)
{
  struct
  {
    struct collet_spawn_request request;
    char path[16];
  } spawn = { .path = "no-nul" };
  struct
  {
    struct collet_probe_request request;
    char paths[8];
  } probe = { .request.count = 1000000, .paths = "/a\0/b\0" };
  struct collet_frame_header header = { .type = COLLET_FRAME_SPAWN, .id = 7 };
  struct iovec part = { &spawn, sizeof spawn };

  g_assert_cmpint (collet_wire_send_simple (self->server.fd, COLLET_FRAME_SPAWN, 5, 0, "x", 1), ==, 0);
  expect_refused (self, 5);
  g_assert_cmpint (collet_wire_send_simple (self->server.fd, 4711, 6, 0, NULL, 0), ==, 0);
  expect_refused (self, 6);
  g_assert_cmpint (collet_wire_send (self->server.fd, &header, &part, 1, (int[]){ 0, 0 }, 2), ==,
                   0); /* relative */
  expect_refused (self, 7);
  header.type = COLLET_FRAME_PROBE;
  part = (struct iovec){ &probe, sizeof probe };
  g_assert_cmpint (collet_wire_send (self->server.fd, &header, &part, 1, (int[]){ 0 }, 1), ==,
                   0); /* count is wrong */
  expect_refused (self, 7);
  start_echo (self, &self->worker); /* and it goes on */
  worker_stop (&self->server, &self->worker);
}

static gpointer
send_nonsense (gpointer data)
{
  const int fd = GPOINTER_TO_INT (data);

  for (guint i = 1; i <= 3000; i++)
    g_assert_cmpint (collet_wire_send_simple (fd, COLLET_FRAME_SPAWN, i, 0, "x", 1), ==, 0);
  return NULL;
}

/* A daemon that asks and does not listen: nothing is lost, and the deadline of a
 * probe is kept. */
static void
test_slow_daemon (Fixture *self, gconstpointer data)
{
  g_autofree char *path = module_path ("COLLET_TEST_MODULES_DIR", "hang-constructor.so");
  struct collet_limits limits = default_limits ();
  struct pollfd gone;
  GThread *thread;
  guint64 id;

  limits.deadline_ms = 300;
  gone = (struct pollfd){ .fd = probe_start (&self->server, (const char *const[]){ path, NULL }, &limits,
                                             FALSE, &id) };
  thread = g_thread_new ("asker", send_nonsense, GINT_TO_POINTER (self->server.fd));
  g_assert_cmpint (poll (&gone, 1, 10000), ==, 1); /* hung up: it is dead */
  close (gone.fd);
  for (guint i = 1; i <= 3000;)
    {
      g_autoptr (Received) answer = receive (self->server.fd);

      if (answer->frame.header.type == COLLET_FRAME_EXITED)
        continue;
      g_assert_cmpuint (answer->frame.header.type, ==, COLLET_FRAME_REFUSED);
      g_assert_cmpuint (answer->frame.header.id, ==, i++);
    }
  g_thread_join (thread);
}

/* As on a kernel without Landlock. */
static void
hide_landlock (gpointer data)
{
  struct sock_filter code[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_landlock_create_ruleset, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = { G_N_ELEMENTS (code), code };

  prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void
test_no_landlock (void)
{
  g_autofree char *path = module_path ("COLLET_TEST_MODULES_DIR", "echo-1.0.0.so");
  struct collet_limits limits = default_limits ();
  g_autoptr (Received) refused = NULL;
  g_autofree char *json = NULL;
  struct collet_failure failure;
  Server server;
  Worker worker;

  server_start_full (&server, hide_landlock, NULL);
  worker_request (&server, &worker, path, &limits, 1, FALSE);
  refused = expect (server.fd, COLLET_FRAME_REFUSED);
  g_assert_true (collet_failure_decode (&failure, refused->frame.payload, refused->frame.header.size));
  g_assert_cmpstr (failure.name, ==, "ConfinementUnavailable");
  g_assert_nonnull (strstr (failure.message, "no Landlock"));
  g_assert_cmpstr (failure.remedy, !=, "");
  close (worker.call_fd);
  close (worker.control_fd);
  server_stop (&server);

  server_start_full (&server, hide_landlock, "--allow-unconfined");
  worker_start (&server, &worker, path, 1);
  json = worker_call (&worker, 1, "echo", "{}", NULL);
  worker_stop (&server, &worker);
  server_stop (&server);
}

/* A folder that comes later, and another of the same name after it. */
static void
test_late_folder (void)
{
  g_autofree char *folder = g_dir_make_tmp ("collet-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "echo.so", NULL);
  g_autofree char *source = module_path ("COLLET_TEST_MODULES_DIR", "echo-1.0.0.so");
  Server server;
  Worker worker;
  gsize size;
  g_autofree char *bytes = NULL;

  g_assert_true (g_file_get_contents (source, &bytes, &size, NULL));
  g_assert_cmpint (rmdir (folder), ==, 0);
  g_setenv ("COLLET_NOSY_DIR", folder, TRUE); /* readable */
  server_start (&server);
  for (guint i = 0; i < 2; i++)
    {
      g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
      g_assert_true (g_file_set_contents (path, bytes, (gssize)size, NULL));
      worker_start (&server, &worker, path, 1);
      worker_stop (&server, &worker);
      g_assert_cmpint (unlink (path), ==, 0);
      g_assert_cmpint (rmdir (folder), ==, 0);
    }
  server_stop (&server);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                  \
  g_test_add ("/worker/fork-server/" path, Fixture, NULL, server_set_up, function, server_tear_down)
  ADD ("a-thousand-workers-leave-nothing-behind", test_many);
  ADD ("reports-every-end-of-a-hundred", test_burst);
  ADD ("its-death-ends-all-workers", test_server_dies);
  ADD ("the-daemon-s-death-ends-all", test_daemon_dies);
  ADD ("signals-to-the-group-are-the-daemon-s-business", test_group_signals);
  ADD ("a-daemon-that-does-not-listen-loses-nothing", test_slow_daemon);
  ADD ("refuses-malformed-requests-and-goes-on", test_malformed);
  g_test_add_func ("/worker/fork-server/without-landlock-only-if-allowed", test_no_landlock);
  g_test_add_func ("/worker/fork-server/folders-may-come-later", test_late_folder);
  return g_test_run ();
}
