/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-syscalls.h: the system calls that confined modules have without regard
 * to their arguments. NULL-terminated.
 *
 * Opening and looking at files is bounded by Landlock. Left out on purpose:
 * changing anything that has a path (chmod, truncate, link, rename, utime, xattr:
 * older Landlock does not know all of them), programs and processes (execve,
 * fork, ptrace, pidfd_*, process_*, setns, unshare), privileges, key rings, io_uring,
 * bpf, perf, userfaultfd, shared memory with a key, sync of all disks.
 */
#ifndef COLLET_SYSCALLS_H
#define COLLET_SYSCALLS_H

extern const char *const collet_syscalls_always[];
extern const char *const collet_syscalls_network[];

#endif /* COLLET_SYSCALLS_H */
