/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collet-error.h"

#define NEEDED (1u << CAP_SETUID | 1u << CAP_SETGID)

void
collet_worker_user_clear (ColletWorkerUser *user)
{
  g_clear_pointer (&user->name, g_free);
  user->uid = 0;
}

gboolean
collet_privileges_suffice (void)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

  return syscall (SYS_capget, &header, data) == 0 && (data[0].effective & NEEDED) == NEEDED;
}

/* NULL: *user is filled in. */
static char *
look_up (const char *name, ColletWorkerUser *user)
{
  /* cppcheck-suppress getpwnamCalled ; one thread asks, before there are others */
  const struct passwd *entry = getpwnam (name);

  if (entry == NULL)
    return g_strdup_printf ("there is no user %s", name);
  if (entry->pw_uid == 0 || entry->pw_gid == 0 || entry->pw_uid == geteuid ())
    return g_strdup_printf ("%s is root, or the daemon's own user", name);
  if (!collet_privileges_suffice ())
    return g_strdup ("the daemon may not start processes of another user");
  *user = (ColletWorkerUser){ g_strdup (name), entry->pw_uid, entry->pw_gid };
  return NULL;
}

gboolean
collet_privileges_choose (const char *name, ColletWorkerUser *user, char **why_not, GError **error)
{
  *user = (ColletWorkerUser){ NULL, 0, 0 };
  *why_not = look_up (name != NULL ? name : COLLET_WORKER_USER, user);
  if (*why_not == NULL || name == NULL)
    return TRUE;
  g_set_error (
      error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
      "Workers cannot run as user %s, which worker-user names: %s. Make the user, start the daemon with "
      "CAP_SETUID and CAP_SETGID, or take worker-user out of the configuration.",
      name, *why_not);
  g_clear_pointer (why_not, g_free);
  return FALSE;
}

gboolean
collet_privileges_drop (GError **error)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct nothing[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

  if (geteuid () == 0)
    return TRUE;
  prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (syscall (SYS_capset, &header, nothing) == 0)
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_FAILED, "Capabilities cannot be given up: %s.",
               g_strerror (errno));
  return FALSE;
}
