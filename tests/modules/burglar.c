/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tries to get out, one way a call: {"way": "shadow"}. Answers {"errno": N} of the
 * last thing it was refused, or {"errno": 0} if it succeeded.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <collet-module.h>

#define MEBIBYTE (1024u * 1024u)
#define MANY 100000

static int
open_file (const char *path, int flags)
{
  int fd = open (path, flags | O_CLOEXEC, 0600);
  int error = fd < 0 ? errno : 0;

  if (fd >= 0)
    close (fd);
  return error;
}

static int
connect_to (int port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons ((unsigned short)port) };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int error;

  if (fd < 0)
    return errno;
  inet_pton (AF_INET, "127.0.0.1", &address.sin_addr);
  error = connect (fd, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
  close (fd);
  return error;
}

static int
make_children (void)
{
  for (int i = 0; i < MANY; i++)
    {
      pid_t pid = fork ();

      if (pid == 0)
        pause ();
      if (pid < 0)
        return errno;
    }
  return 0;
}

static void *
idle (void *data)
{
  pause ();
  return data;
}

static int
make_threads (void)
{
  pthread_t thread;
  int error = 0;

  for (int i = 0; i < MANY && error == 0; i++)
    error = pthread_create (&thread, NULL, idle, NULL);
  return error;
}

static int
take_memory (void)
{
  for (int i = 0; i < MANY; i++)
    {
      char *block = malloc (16 * MEBIBYTE);

      if (block == NULL)
        return errno;
      memset (block, i, 16 * MEBIBYTE);
    }
  return 0;
}

static int
take_files (void)
{
  for (int i = 0; i < MANY; i++)
    if (open ("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
      return errno;
  return 0;
}

/* Where a file can be made at all: in memory. */
static int
take_disk (void)
{
  char block[4096] = { 0 };

  for (int i = 0; i < MANY; i++)
    {
      int fd = memfd_create ("burglar", MFD_CLOEXEC);

      if (fd < 0)
        return errno;
      for (unsigned n = 0; n < 64 * MEBIBYTE / sizeof block; n++)
        if (write (fd, block, sizeof block) < 0)
          return errno;
    }
  return 0;
}

/* What is no burglary: a file that has no name. */
static int
use_temporary_file (void)
{
  FILE *file = tmpfile ();
  char text[8] = "";
  int error = file == NULL ? errno : 0;

  if (file == NULL)
    return error;
  if (fputs ("kept", file) < 0 || fseek (file, 0, SEEK_SET) != 0 || fgets (text, sizeof text, file) == NULL ||
      strcmp (text, "kept") != 0)
    error = EIO;
  fclose (file);
  return error;
}

static int
try (struct collet_call *call, const char *way)
{
  const char *path;
  int64_t port = 0;

  if (strcmp (way, "read") == 0)
    return collet_get_string (call, "path", &path, NULL) ? open_file (path, O_RDONLY) : EINVAL;
  if (strcmp (way, "shadow") == 0)
    return open_file ("/etc/shadow", O_RDONLY);
  if (strcmp (way, "tmp") == 0)
    return open_file ("/tmp/collet-burglar", O_WRONLY | O_CREAT);
  if (strcmp (way, "tmpfile") == 0)
    return use_temporary_file ();
  if (strcmp (way, "daemon-memory") == 0)
    {
      char memory[64];

      snprintf (memory, sizeof memory, "/proc/%d/mem", (int)getppid ());
      return open_file (memory, O_RDWR);
    }
  if (strcmp (way, "connect") == 0)
    return collet_get_integer (call, "port", &port) ? connect_to ((int)port) : EINVAL;
  if (strcmp (way, "ptrace") == 0)
    return ptrace (PTRACE_ATTACH, getppid (), NULL, NULL) == 0 ? 0 : errno;
  if (strcmp (way, "signal") == 0)
    return kill (getppid (), SIGTERM) == 0 ? 0 : errno;
  if (strcmp (way, "fork") == 0)
    return make_children ();
  if (strcmp (way, "exec") == 0)
    return execl ("/bin/true", "true", NULL) == 0 ? 0 : errno;
  if (strcmp (way, "setuid") == 0)
    return syscall (SYS_setuid, 0) == 0 ? 0 : errno;
  if (strcmp (way, "threads") == 0)
    return make_threads ();
  if (strcmp (way, "memory") == 0)
    return take_memory ();
  if (strcmp (way, "files") == 0)
    return take_files ();
  if (strcmp (way, "disk") == 0)
    return take_disk ();
  return EINVAL;
}

#ifdef IS_EARLY
/* Before anybody called it. */
__attribute__ ((constructor)) static void
begin_early (void)
{
  connect_to (80);
  ptrace (PTRACE_ATTACH, getppid (), NULL, NULL);
}
#endif

static int
call_tool (void *instance, const char *tool, struct collet_call *call)
{
  const char *way;
  char json[32];

  (void)instance;
  (void)tool;
  if (!collet_get_string (call, "way", &way, NULL))
    return collet_call_fail (call, "way is missing");
  snprintf (json, sizeof json, "{\"errno\":%d}", try (call, way));
  collet_set_structured (call, json);
  return COLLET_OK;
}

COLLET_MANIFEST ("{\"name\":\"burglar\",\"version\":\"" VERSION "\",\"needs\":{\"network\":true},"
                 "\"tools\":[{\"name\":\"burgle\",\"inputSchema\":{\"type\":\"object\"}}]}");
COLLET_MODULE (.call = call_tool);
