/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than some kernel headers that this is built with. */
#define ACCESS_FS_V1 ((1ULL << 13) - 1)
#define ACCESS_FS_REFER (1ULL << 13)     /* version 2 */
#define ACCESS_FS_TRUNCATE (1ULL << 14)  /* version 3 */
#define ACCESS_FS_IOCTL_DEV (1ULL << 15) /* version 5 */
#define ACCESS_NET_BIND_TCP (1ULL << 0)  /* version 4 */
#define ACCESS_NET_CONNECT_TCP (1ULL << 1)
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0) /* version 6 */
#define SCOPE_SIGNAL (1ULL << 1)

/* struct landlock_ruleset_attr as of version 6; an older kernel accepts the longer
 * struct while what it does not know is zero. */
struct ruleset_attr
{
  uint64_t handled_access_fs;
  uint64_t handled_access_net;
  uint64_t scoped;
};

static const char *const system_paths[] = {
  "/lib",
  "/lib64",
  "/usr/lib",
  "/usr/lib64",
  "/usr/local/lib",
  "/etc/ld.so.cache",
  "/usr/share/zoneinfo",
  "/etc/localtime",
  "/dev/zero",
  "/dev/random",
  "/dev/urandom",
  "/sys/devices/system/cpu",
};

static const char *const network_paths[] = {
  "/etc/resolv.conf",   "/run/systemd/resolve",
  "/etc/hosts",         "/etc/host.conf",
  "/etc/nsswitch.conf", "/etc/gai.conf",
  "/etc/services",      "/etc/protocols",
  "/etc/ssl",           "/usr/share/ca-certificates",
};

int
collet_landlock_get_version (void)
{
  long version = syscall (SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

  return version < 0 ? 0 : (int)version;
}

static struct ruleset_attr
make_attr (int version, bool network)
{
  struct ruleset_attr attr = { .handled_access_fs = ACCESS_FS_V1 };

  if (version >= 2)
    attr.handled_access_fs |= ACCESS_FS_REFER;
  if (version >= 3)
    attr.handled_access_fs |= ACCESS_FS_TRUNCATE;
  if (version >= 4 && !network)
    attr.handled_access_net = ACCESS_NET_BIND_TCP | ACCESS_NET_CONNECT_TCP;
  if (version >= 5)
    attr.handled_access_fs |= ACCESS_FS_IOCTL_DEV;
  if (version >= 6)
    attr.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
  return attr;
}

/* True also if there is no such path. */
static bool
allow_path (int ruleset_fd, const char *path, uint64_t access)
{
  struct landlock_path_beneath_attr rule = { .allowed_access = access };
  struct stat info;
  bool added;

  rule.parent_fd = open (path, O_PATH | O_CLOEXEC);
  if (rule.parent_fd < 0)
    return errno == ENOENT || errno == EACCES || errno == ENOTDIR;
  if (fstat (rule.parent_fd, &info) == 0 && !S_ISDIR (info.st_mode))
    rule.allowed_access &= ~(uint64_t)LANDLOCK_ACCESS_FS_READ_DIR;
  added = syscall (SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
  close (rule.parent_fd);
  return added;
}

static bool
allow_reading (int ruleset_fd, const char *const *paths, unsigned n_paths)
{
  for (unsigned i = 0; i < n_paths; i++)
    if (!allow_path (ruleset_fd, paths[i], LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR))
      return false;
  return true;
}

static bool
allow_all (int ruleset_fd, const char *const *readable, unsigned n_readable, bool network)
{
  return allow_reading (ruleset_fd, readable, n_readable) &&
         allow_reading (ruleset_fd, system_paths, sizeof system_paths / sizeof *system_paths) &&
         allow_path (ruleset_fd, "/dev/null", LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE) &&
         (!network ||
          allow_reading (ruleset_fd, network_paths, sizeof network_paths / sizeof *network_paths));
}

int
collet_landlock_make_ruleset (const char *const *readable, unsigned n_readable, bool network,
                              struct collet_failure *failure)
{
  int version = collet_landlock_get_version ();
  struct ruleset_attr attr = make_attr (version, network);
  int ruleset_fd;

  if (version == 0)
    {
      collet_failure_set (
          failure, "ConfinementUnavailable",
          "Start a kernel with Landlock (CONFIG_SECURITY_LANDLOCK, and landlock in lsm=), or allow "
          "unconfined modules in the configuration.",
          "This kernel has no Landlock, so modules cannot be kept from files.");
      return -1;
    }
  ruleset_fd = (int)syscall (SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
  if (ruleset_fd >= 0 && allow_all (ruleset_fd, readable, n_readable, network))
    return ruleset_fd;

  collet_failure_set (failure, "ConfinementUnavailable", "",
                      "The kernel's Landlock (version %d) refused a rule: %s.", version, strerror (errno));
  if (ruleset_fd >= 0)
    close (ruleset_fd);
  return -1;
}

bool
collet_landlock_enter (int ruleset_fd, struct collet_failure *failure)
{
  if (syscall (SYS_landlock_restrict_self, ruleset_fd, 0) == 0)
    return true;
  return collet_failure_set (failure, "ConfinementUnavailable", "",
                             "The kernel's Landlock cannot be entered: %s.", strerror (errno));
}
