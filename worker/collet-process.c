/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIRST_FD 3
#define MAX_FDS 8
/* Where fds are parked while they are sorted. */
#define PARKING 32
#define DEFAULT_OPEN_FILES 64
/* Of 1000: a worker has less of a right to memory than the daemon. */
#define OOM_SCORE "500"

/* Sanitizers map terabytes of address space. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LIMIT_ADDRESS_SPACE false
#else
#define LIMIT_ADDRESS_SPACE true
#endif

static void
settle_signals (void)
{
  static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ };
  sigset_t none;

  for (int number = 1; number < NSIG; number++)
    {
      struct sigaction action;

      if (sigaction (number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
        signal (number, SIG_DFL);
    }
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
    signal (ignored[i], SIG_IGN);
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
}

/* What was in the environment must not be in the memory that modules see. */
static void
settle_environment (void)
{
  for (char **entry = environ; entry != NULL && *entry != NULL; entry++)
    explicit_bzero (*entry, strlen (*entry));
  clearenv ();
  setenv ("LANG", "C.UTF-8", 1);
  setenv ("PATH", "/usr/bin:/bin", 1);
}

static void
settle_standard_fds (void)
{
  int fd = open ("/dev/null", O_RDWR | O_CLOEXEC);

  if (fd < 0)
    return;
  if (fcntl (STDERR_FILENO, F_GETFD) < 0)
    dup2 (fd, STDERR_FILENO);
  dup2 (fd, STDIN_FILENO);
  dup2 (STDERR_FILENO, STDOUT_FILENO);
  if (fd > STDERR_FILENO)
    close (fd);
}

void
collet_process_settle (void)
{
  settle_signals ();
  settle_environment ();
  settle_standard_fds ();
  setsid (); /* fails for the leader of a group, which is as good */
  umask (077);
  if (chdir ("/") < 0)
    return; /* every path that is used is absolute */
}

static void
arrange_fds (const int *fds, unsigned n_fds)
{
  int parked[MAX_FDS];

  if (n_fds > MAX_FDS)
    _exit (1);
  for (unsigned i = 0; i < n_fds; i++)
    {
      parked[i] = fcntl (fds[i], F_DUPFD, PARKING);
      if (parked[i] < 0)
        _exit (1);
    }
  for (unsigned i = 0; i < n_fds; i++)
    if (dup2 (parked[i], FIRST_FD + (int)i) < 0)
      _exit (1);
  if (close_range (FIRST_FD + n_fds, ~0u, 0) < 0)
    _exit (1);
}

static void
offer_to_oom_killer (void)
{
  int fd = open ("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

  if (fd < 0)
    return;
  if (write (fd, OOM_SCORE, sizeof OOM_SCORE - 1) < 0)
    (void)0; /* only an order of preference */
  close (fd);
}

void
collet_process_begin_child (pid_t parent, const char *name, const int *fds, unsigned n_fds)
{
  sigset_t none;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (getppid () != parent)
    _exit (0);
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  prctl (PR_SET_NAME, name);
  arrange_fds (fds, n_fds);
  offer_to_oom_killer ();
}

static bool
drop_capabilities (void)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct nothing[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

  prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return syscall (SYS_capset, &header, nothing) == 0;
}

/* Lowers a limit, soft and hard; never tries to raise it. */
static bool
set_limit (int resource, rlim_t soft, rlim_t hard)
{
  struct rlimit limit;

  if (getrlimit (resource, &limit) < 0)
    return false;
  if (hard < limit.rlim_max)
    limit.rlim_max = hard;
  limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
  return setrlimit (resource, &limit) == 0;
}

static rlim_t
or_infinite (uint64_t value)
{
  return value > 0 ? value : RLIM_INFINITY;
}

bool
collet_process_limit (const struct collet_limits *limits, struct collet_failure *failure)
{
  const rlim_t address_space = LIMIT_ADDRESS_SPACE ? or_infinite (limits->address_space) : RLIM_INFINITY;
  const rlim_t file_size = limits->file_size > COLLET_WIRE_MAX ? limits->file_size : COLLET_WIRE_MAX;
  const rlim_t open_files = limits->open_files > 0 ? limits->open_files : DEFAULT_OPEN_FILES;
  const rlim_t cpu = or_infinite (limits->cpu_seconds);

  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || !drop_capabilities ())
    return collet_failure_set (failure, "ConfinementUnavailable", "", "Privileges cannot be given up: %s.",
                               strerror (errno));
  if (!set_limit (RLIMIT_CORE, 0, 0) || !set_limit (RLIMIT_MSGQUEUE, 0, 0) ||
      !set_limit (RLIMIT_FSIZE, file_size, file_size) || !set_limit (RLIMIT_NOFILE, open_files, open_files) ||
      /* A second more before SIGKILL follows SIGXCPU. */
      !set_limit (RLIMIT_CPU, cpu, cpu == RLIM_INFINITY ? cpu : cpu + 1) ||
      !set_limit (RLIMIT_AS, address_space, address_space))
    return collet_failure_set (failure, "ConfinementUnavailable", "", "Resource limits cannot be set: %s.",
                               strerror (errno));
  return true;
}
