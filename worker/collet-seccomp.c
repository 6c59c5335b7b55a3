/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collet-syscalls.h"

/* Stands for the pid of whoever enters the filter, which is not known when it is
 * made. */
#define OWN_PID 0x5c011e7bu

/* What a program returns for what is not allowed. */
#define REFUSED (SECCOMP_RET_ERRNO | EPERM)

struct collet_filter
{
  struct sock_fprog program;
};

#define N_ELEMENTS(array) (sizeof (array) / sizeof *(array))

static int
allow (scmp_filter_ctx context, const char *name, unsigned n_conditions,
       const struct scmp_arg_cmp *conditions)
{
  int number = seccomp_syscall_resolve_name (name);

  if (number < 0) /* not on this architecture, or newer than the library */
    return 0;
  return seccomp_rule_add_array (context, SCMP_ACT_ALLOW, number, n_conditions, conditions);
}

static int
allow_names (scmp_filter_ctx context, const char *const *names)
{
  int result = 0;

  for (; *names != NULL && result == 0; names++)
    result = allow (context, *names, 0, NULL);
  return result;
}

/* One more allowed value of one argument. */
static int
allow_value (scmp_filter_ctx context, const char *name, unsigned argument, uint64_t value)
{
  const struct scmp_arg_cmp condition = { .arg = argument, .op = SCMP_CMP_EQ, .datum_a = value };

  return allow (context, name, 1, &condition);
}

/* A thread of this process, and nothing else that clone can make. */
static int
allow_threads (scmp_filter_ctx context)
{
  const uint64_t must = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND;
  const uint64_t must_not = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                            CLONE_NEWPID | CLONE_NEWNET | CLONE_PTRACE | CLONE_UNTRACED;
  const struct scmp_arg_cmp condition = {
    .arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = must | must_not, .datum_b = must
  };
  int result = allow (context, "clone", 1, &condition);

  /* Its flags are behind a pointer, which a filter cannot see; without it the C
   * library takes clone. */
  return result < 0 ? result : seccomp_rule_add (context, SCMP_ACT_ERRNO (ENOSYS), SCMP_SYS (clone3), 0);
}

static int
allow_own_process (scmp_filter_ctx context)
{
  static const int prctls[] = { PR_SET_NAME,    PR_GET_NAME, PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS,
                                PR_GET_SECCOMP, 0x53564d41 /* PR_SET_VMA: the allocator names its maps */ };
  int result = 0;

  for (size_t i = 0; i < N_ELEMENTS (prctls) && result == 0; i++)
    result = allow_value (context, "prctl", 0, (uint64_t)prctls[i]);
  if (result == 0)
    result = allow_value (context, "tgkill", 0, OWN_PID);
  if (result == 0)
    result = allow_value (context, "kill", 0, OWN_PID);
  if (result == 0)
    result = allow_value (context, "prlimit64", 0, 0);
  return result;
}

/* Asking about a terminal or a pipe; not typing into one. */
static int
allow_ioctls (scmp_filter_ctx context)
{
  static const unsigned long requests[] = { TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX };
  int result = 0;

  for (size_t i = 0; i < N_ELEMENTS (requests) && result == 0; i++)
    result = allow_value (context, "ioctl", 1, requests[i]);
  return result;
}

/* Not F_SETOWN and F_SETSIG, which send signals to other processes. */
static int
allow_fcntls (scmp_filter_ctx context)
{
  static const int commands[] = { F_DUPFD,     F_DUPFD_CLOEXEC, F_GETFD,     F_SETFD,     F_GETFL,
                                  F_SETFL,     F_GETLK,         F_SETLK,     F_SETLKW,    F_OFD_GETLK,
                                  F_OFD_SETLK, F_OFD_SETLKW,    F_ADD_SEALS, F_GET_SEALS, F_GETPIPE_SZ };
  int result = 0;

  for (size_t i = 0; i < N_ELEMENTS (commands) && result == 0; i++)
    {
      result = allow_value (context, "fcntl", 1, (uint64_t)commands[i]);
      if (result == 0)
        result = allow_value (context, "fcntl64", 1, (uint64_t)commands[i]);
    }
  return result;
}

/* No AF_UNIX: it would lead to the buses. AF_NETLINK: resolvers ask which
 * addresses the machine has. */
static int
allow_network (scmp_filter_ctx context)
{
  static const int families[] = { AF_INET, AF_INET6, AF_NETLINK };
  int result = allow_names (context, collet_syscalls_network);

  /* Each resolver looks for a cache of names first. That is no attempt of the
   * module's, so it fails without being told. */
  if (result == 0)
    result = seccomp_rule_add (context, SCMP_ACT_ERRNO (EACCES), SCMP_SYS (socket), 1,
                               SCMP_A0 (SCMP_CMP_EQ, AF_UNIX));
  for (size_t i = 0; i < N_ELEMENTS (families) && result == 0; i++)
    result = allow_value (context, "socket", 0, (uint64_t)families[i]);
  return result < 0 ? result : allow_value (context, "socketpair", 0, AF_UNIX);
}

static int
add_rules (scmp_filter_ctx context, bool network)
{
  int result = seccomp_attr_set (context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

  if (result == 0)
    result = seccomp_attr_set (context, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, not a list */
  if (result == 0)
    result = allow_names (context, collet_syscalls_always);
  if (result == 0)
    result = allow_threads (context);
  if (result == 0)
    result = allow_own_process (context);
  if (result == 0)
    result = allow_ioctls (context);
  if (result == 0)
    result = allow_fcntls (context);
  if (result == 0 && network)
    result = allow_network (context);
  return result;
}

/* The program as bytes; the caller frees them. */
static struct sock_filter *
export_program (scmp_filter_ctx context, size_t *size)
{
  int fd = memfd_create ("collet-filter", MFD_CLOEXEC);
  struct sock_filter *code = NULL;
  struct stat info;

  if (fd >= 0 && seccomp_export_bpf (context, fd) == 0 && fstat (fd, &info) == 0)
    {
      *size = (size_t)info.st_size;
      code = malloc (*size);
      if (code != NULL && pread (fd, code, *size, 0) != info.st_size)
        {
          free (code);
          code = NULL;
        }
    }
  if (fd >= 0)
    close (fd);
  return code;
}

struct collet_filter *
collet_filter_new (bool network, struct collet_failure *failure)
{
  struct collet_filter *filter = calloc (1, sizeof *filter);
  scmp_filter_ctx context = seccomp_init (SCMP_ACT_ERRNO (EPERM));
  size_t size = 0;

  if (filter != NULL && context != NULL && add_rules (context, network) == 0)
    filter->program.filter = export_program (context, &size);
  if (context != NULL)
    seccomp_release (context);
  if (filter == NULL || filter->program.filter == NULL || size / sizeof (struct sock_filter) > BPF_MAXINSNS)
    {
      collet_filter_free (filter);
      collet_failure_set (failure, "ConfinementUnavailable", "",
                          "The filter of system calls that confines modules cannot be made.");
      return NULL;
    }
  filter->program.len = (unsigned short)(size / sizeof (struct sock_filter));
  return filter;
}

void
collet_filter_free (struct collet_filter *filter)
{
  if (filter == NULL)
    return;
  free (filter->program.filter);
  free (filter);
}

/* A child has a copy of the memory, so the program can be changed in place. */
static void
put_own_pid (const struct sock_fprog *program)
{
  const uint32_t pid = (uint32_t)getpid ();

  for (unsigned i = 0; i < program->len; i++)
    if (program->filter[i].code == (BPF_JMP | BPF_JEQ | BPF_K) && program->filter[i].k == OWN_PID)
      program->filter[i].k = pid;
}

static void
exchange_returns (const struct sock_fprog *program, uint32_t from, uint32_t to)
{
  for (unsigned i = 0; i < program->len; i++)
    if (program->filter[i].code == (BPF_RET | BPF_K) && program->filter[i].k == from)
      program->filter[i].k = to;
}

/* The same filter, except that the kernel asks before it refuses. -1: it cannot. */
static int
listen_to (const struct sock_fprog *program)
{
  int fd;

  exchange_returns (program, REFUSED, SECCOMP_RET_USER_NOTIF);
  fd = (int)syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, program);
  if (fd < 0)
    exchange_returns (program, SECCOMP_RET_USER_NOTIF, REFUSED);
  return fd;
}

bool
collet_filter_enter (const struct collet_filter *filter, int *listener_fd, struct collet_failure *failure)
{
  put_own_pid (&filter->program);
  if (listener_fd != NULL)
    *listener_fd = listen_to (&filter->program);
  if (listener_fd != NULL && *listener_fd >= 0)
    return true;
  if (syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter->program) == 0)
    return true;
  return collet_failure_set (failure, "ConfinementUnavailable", "",
                             "The kernel refused the filter of system calls that confines modules: %s.",
                             strerror (errno));
}
