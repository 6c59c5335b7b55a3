/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-syscalls.h"

#include <stddef.h>

/* clang-format off */
const char *const collet_syscalls_always[] = {
  /* reading, writing, and what is open */
  "read", "readv", "pread64", "preadv", "preadv2", "write", "writev", "pwrite64", "pwritev", "pwritev2",
  "lseek", "_llseek", "close", "close_range", "dup", "dup2", "dup3", "flock",
  "ftruncate", "ftruncate64", "fallocate", "fsync", "fdatasync", "fadvise64", "fadvise64_64", "memfd_create",
  "pipe", "pipe2", "eventfd", "eventfd2", "timerfd_create", "timerfd_settime", "timerfd_gettime",
  /* looking at files */
  "open", "openat", "stat", "stat64", "fstat", "fstat64", "lstat", "lstat64", "newfstatat", "fstatat64", "statx",
  "statfs", "statfs64", "fstatfs", "fstatfs64", "access", "faccessat", "faccessat2", "readlink", "readlinkat",
  "getdents", "getdents64", "getcwd",
  /* waiting */
  "poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6", "pselect6_time64",
  "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
  "futex", "futex_time64", "futex_waitv", "nanosleep", "clock_nanosleep", "clock_nanosleep_time64", "pause",
  "restart_syscall",
  /* the sockets that it was given */
  "recvmsg", "recvfrom", "recv", "sendmsg", "sendto", "send", "getsockopt", "getsockname", "getpeername", "shutdown",
  /* memory */
  "mmap", "mmap2", "munmap", "mprotect", "mremap", "madvise", "brk", "mincore", "msync", "mlock", "munlock", "membarrier",
  /* threads and signals of its own */
  "set_robust_list", "get_robust_list", "rseq", "set_tid_address", "set_thread_area", "get_thread_area", "arch_prctl",
  "gettid", "sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_get_priority_max",
  "sched_get_priority_min", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigreturn", "rt_sigsuspend",
  "rt_sigpending", "rt_sigtimedwait", "rt_sigtimedwait_time64", "sigaltstack", "signalfd4", "exit", "exit_group",
  /* time and timers */
  "clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64", "gettimeofday", "time", "times",
  "timer_create", "timer_settime", "timer_gettime", "timer_delete", "timer_getoverrun", "setitimer", "getitimer", "alarm",
  /* facts */
  "getpid", "getppid", "getpgrp", "getpgid", "getsid", "getuid", "geteuid", "getgid", "getegid", "getgroups",
  "getresuid", "getresgid", "getuid32", "geteuid32", "getgid32", "getegid32", "getgroups32", "getrusage", "getrlimit",
  "ugetrlimit", "getcpu", "getrandom", "sysinfo", "uname", "capget", "umask",
  NULL,
};

const char *const collet_syscalls_network[] = {
  "bind", "connect", "listen", "accept", "accept4", "setsockopt", "sendmmsg", "recvmmsg", "recvmmsg_time64", "sendfile",
  "sendfile64",
  NULL,
};
/* clang-format on */
