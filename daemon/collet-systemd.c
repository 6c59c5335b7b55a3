/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-systemd.h"

#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define STORED_NAME "collet-mcp"

GArray *
collet_systemd_receive (void)
{
  GArray *sockets = g_array_new (FALSE, FALSE, sizeof (ColletSystemdSocket));
  char **names = NULL;
  int n = sd_listen_fds_with_names (TRUE, &names);

  for (int i = 0; i < n; i++)
    {
      ColletSystemdSocket found = { .fd = SD_LISTEN_FDS_START + i,
                                    .is_stored = g_strcmp0 (names[i], STORED_NAME) == 0 };

      if (sd_is_socket (found.fd, AF_UNSPEC, SOCK_STREAM, 1) > 0)
        g_array_append_val (sockets, found);
      else
        {
          g_warning ("systemd: descriptor %d (%s) is no listening stream socket; it is closed", found.fd,
                     names[i]);
          close (found.fd);
        }
      free (names[i]);
    }
  free (names);
  return sockets;
}

gboolean
collet_systemd_store (int fd)
{
  return sd_pid_notify_with_fds (0, FALSE, "FDSTORE=1\nFDNAME=" STORED_NAME, &fd, 1) > 0;
}

void
collet_systemd_drop_stored (void)
{
  sd_notify (FALSE, "FDSTOREREMOVE=1\nFDNAME=" STORED_NAME);
}

void
collet_systemd_notify_ready (const char *status)
{
  sd_notifyf (FALSE, "READY=1\nSTATUS=%s", status);
}

void
collet_systemd_notify_reloading (void)
{
  sd_notifyf (FALSE, "RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, g_get_monotonic_time ());
}

void
collet_systemd_notify_stopping (void)
{
  sd_notify (FALSE, "STOPPING=1");
}

static gboolean
on_watchdog (gpointer data)
{
  sd_notify (FALSE, "WATCHDOG=1");
  return G_SOURCE_CONTINUE;
}

guint
collet_systemd_start_watchdog (void)
{
  guint64 period_us = 0;

  if (sd_watchdog_enabled (FALSE, &period_us) <= 0)
    return 0;
  return g_timeout_add ((guint)MAX (period_us / 2 / 1000, 1), on_watchdog, NULL);
}
