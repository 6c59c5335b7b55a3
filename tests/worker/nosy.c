/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * nosy.c: tries what a confined module must not be able to do, and a few things
 * that it must. Answers with a line for each: name, and 0 or errno. */
#include "collet-module.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char report[8192];

/* `result` < 0: errno says why. */
static void
note (const char *name, long result)
{
  size_t at = strlen (report);

  snprintf (report + at, sizeof report - at, "%s %d\n", name, result < 0 ? errno : 0);
}

static long
open_and_close (const char *path, int flags)
{
  int fd = open (path, flags, 0600);

  if (fd >= 0)
    close (fd);
  return fd;
}

static void
try_files (void)
{
  note ("read-shadow", open_and_close ("/etc/shadow", O_RDONLY));
  note ("read-passwd", open_and_close ("/etc/passwd", O_RDONLY));
  note ("read-environ", open_and_close ("/proc/self/environ", O_RDONLY));
  note ("read-parent-memory", open_and_close ("/proc/1/mem", O_RDONLY));
  note ("list-root", open_and_close ("/", O_RDONLY | O_DIRECTORY));
  note ("create-in-tmp", open_and_close ("/tmp/collet-nosy", O_CREAT | O_WRONLY));
  note ("create-nameless", open_and_close ("/tmp", O_TMPFILE | O_WRONLY));
  note ("create-in-dev-shm", open_and_close ("/dev/shm/collet-nosy", O_CREAT | O_WRONLY));
  note ("write-library", open_and_close ("/usr/lib/os-release", O_WRONLY));
  note ("chmod", chmod ("/tmp", 0777));
  note ("chown", chown ("/tmp", 0, 0));
  note ("truncate", truncate ("/tmp", 0));
  note ("unlink", unlink ("/tmp/collet-nosy"));
  note ("rename", rename ("/tmp/a", "/tmp/b"));
  note ("mkdir", mkdir ("/tmp/collet-nosy", 0700));
  note ("symlink", symlink ("/etc/shadow", "/tmp/collet-nosy"));
  note ("mount", mount ("none", "/tmp", "tmpfs", 0, NULL));
  note ("chroot", chroot ("/tmp"));
}

static void
try_processes (void)
{
  char *const arguments[] = { (char *)"/bin/true", NULL };
  struct iovec part = { report, 1 };
  pid_t pid = fork ();

  if (pid == 0)
    _exit (0);
  note ("fork", pid);
  errno = EPERM;
  pid = vfork ();
  if (pid == 0)
    _exit (0);
  note ("vfork", pid);
  note ("execve", execv (arguments[0], arguments));
  note ("kill-parent", kill (getppid (), 0));
  note ("kill-group", kill (0, 0));
  note ("kill-all", kill (-1, 0));
  note ("tgkill-parent", syscall (SYS_tgkill, getppid (), getppid (), 0));
  note ("ptrace", ptrace (PTRACE_ATTACH, getppid (), NULL, NULL));
  note ("process-vm-readv", process_vm_readv (getppid (), &part, 1, &part, 1, 0));
  note ("pidfd-open", syscall (SYS_pidfd_open, getppid (), 0));
  note ("setpriority", setpriority (PRIO_PROCESS, 0, -5));
  note ("prlimit-parent", prlimit (getppid (), RLIMIT_NOFILE, NULL, NULL));
  note ("unshare", unshare (CLONE_NEWUSER));
  note ("setuid", setuid (0));
  note ("set-owner", fcntl (0, F_SETOWN, getppid ()));
}

static void
try_kernel (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  int fd = socket (AF_INET, SOCK_STREAM, 0);

  note ("socket", fd);
  note ("bind", fd < 0 ? -1 : bind (fd, (struct sockaddr *)&address, sizeof address));
  note ("socket-unix", socket (AF_UNIX, SOCK_STREAM, 0));
  note ("socket-packet", socket (AF_PACKET, SOCK_RAW, 0));
  note ("socketpair", socketpair (AF_UNIX, SOCK_STREAM, 0, (int[2]){ 0 }));
  note ("io-uring", syscall (SYS_io_uring_setup, 1, report + 4096));
  note ("bpf", syscall (SYS_bpf, 0, NULL, 0));
  note ("perf", syscall (SYS_perf_event_open, NULL, 0, -1, -1, 0));
  note ("userfaultfd", syscall (SYS_userfaultfd, 0));
  note ("keyctl", syscall (SYS_keyctl, 0, 0, 0));
  note ("shmget", shmget (IPC_PRIVATE, 4096, IPC_CREAT | 0600));
  note ("type-into-terminal", ioctl (2, TIOCSTI, "x"));
  note ("dumpable", prctl (PR_SET_DUMPABLE, 1));
  note ("sethostname", sethostname ("x", 1));
}

static void *
thread_main (void *data)
{
  return data;
}

/* These must work. */
static void
try_needful (void)
{
  struct timespec now;
  pthread_t thread;
  time_t seconds = 0;
  void *memory = mmap (NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int error = pthread_create (&thread, NULL, thread_main, NULL);

  if (error == 0)
    pthread_join (thread, NULL);
  errno = error;
  note ("thread", -error);
  note ("mmap", memory == MAP_FAILED ? -1 : munmap (memory, 65536));
  note ("clock", clock_gettime (CLOCK_REALTIME, &now));
  note ("localtime", localtime (&seconds) != NULL ? 0 : -1);
  note ("random", open_and_close ("/dev/urandom", O_RDONLY));
  note ("null", open_and_close ("/dev/null", O_RDWR));
  note ("library", open_and_close ("/usr/lib/os-release", O_RDONLY));
  note ("raise", raise (0));
  note ("own-memfd", memfd_create ("nosy", 0));
}

static void *
ask_for_sockets (void *data)
{
  sigset_t all;

  sigfillset (&all);
  pthread_sigmask (SIG_BLOCK, &all, NULL);
  for (int i = 0; i < 1000; i++)
    if (syscall (SYS_socket, AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM)
      note ("socket", 0);
  return data;
}

/* As one who does not want it to be known, and as fast as it can. */
static void
try_in_secret (void)
{
  pthread_t threads[4];

  signal (SIGSYS, SIG_IGN);
  for (int i = 0; i < 4; i++)
    pthread_create (&threads[i], NULL, ask_for_sockets, NULL);
  for (int i = 0; i < 4; i++)
    pthread_join (threads[i], NULL);
}

static int
call (void *instance, const char *tool, struct collet_call *call)
{
  char facts[512];

  report[0] = '\0';
  if (strcmp (tool, "needful") == 0)
    try_needful ();
  else if (strcmp (tool, "secret") == 0)
    try_in_secret ();
  else if (strcmp (tool, "facts") == 0)
    {
      snprintf (facts, sizeof facts, "home=%s path=%s lang=%s fd5=%d fd9=%d", getenv ("HOME"),
                getenv ("PATH"), getenv ("LANG"), fcntl (5, F_GETFD), fcntl (9, F_GETFD));
      collet_add_text (call, facts);
      return COLLET_OK;
    }
  else
    {
      try_files ();
      try_processes ();
      try_kernel ();
    }
  collet_add_text (call, report);
  return COLLET_OK;
}

COLLET_MANIFEST ("{\"name\":\"nosy\",\"version\":\"1.0.0\",\"tools\":[]}");
COLLET_MODULE (.call = call);
