/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "collet-fork-server.h"

#define MAX_READABLE 64

static const char usage[] =
    "Usage: collet-worker --fork-server FD [--readable FOLDER]... [--user UID:GID]\n"
    "       [--allow-unconfined]\n"
    "Runs Collet's modules, each confined in a process of its own. Started by colletd.\n"
    "  --fork-server FD    serve this connected socket (SOCK_SEQPACKET); end when it closes\n"
    "  --readable FOLDER   let modules read what is in this folder\n"
    "  --user UID:GID      run modules as this user; takes CAP_SETUID and CAP_SETGID\n"
    "  --allow-unconfined  run modules even if the kernel has no Landlock\n";

struct options
{
  int fd;
  const char *readable[MAX_READABLE];
  unsigned n_readable;
  struct collet_user user;
  bool allow_unconfined;
};

static bool
parse_fd (const char *text, int *fd)
{
  char *end;
  long value = strtol (text, &end, 10);
  int type;
  socklen_t size = sizeof type;

  if (*text == '\0' || *end != '\0' || value < 3 || value > 1000000)
    return false;
  *fd = (int)value;
  return getsockopt (*fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

/* False: said why. */
static bool
parse_options (int argc, char **argv, struct options *options)
{
  static const struct option known[] = { { "fork-server", required_argument, NULL, 'f' },
                                         { "readable", required_argument, NULL, 'r' },
                                         { "user", required_argument, NULL, 'i' },
                                         { "allow-unconfined", no_argument, NULL, 'u' },
                                         { "help", no_argument, NULL, 'h' },
                                         { NULL, 0, NULL, 0 } };
  int option;

  while ((option = getopt_long (argc, argv, "", known, NULL)) != -1)
    {
      if (option == 'f' && !parse_fd (optarg, &options->fd))
        {
          fprintf (stderr, "collet-worker: %s is no connected SOCK_SEQPACKET socket.\n", optarg);
          return false;
        }
      else if (option == 'r' && (options->n_readable == MAX_READABLE || optarg[0] != '/'))
        {
          fprintf (stderr, "collet-worker: --readable %s: at most %d absolute paths.\n", optarg,
                   MAX_READABLE);
          return false;
        }
      else if (option == 'r')
        options->readable[options->n_readable++] = optarg;
      else if (option == 'i' && !collet_user_parse (optarg, &options->user))
        {
          fprintf (stderr, "collet-worker: --user %s: UID:GID, numbers, and not root's.\n", optarg);
          return false;
        }
      else if (option == 'u')
        options->allow_unconfined = true;
      else if (option == 'h')
        {
          fputs (usage, stdout);
          exit (0);
        }
      else if (option == '?')
        return false;
    }
  return true;
}

#ifdef __SANITIZE_ADDRESS__
/* A module that crashes must be seen to die of the signal here as well. */
const char *__asan_default_options (void);
__attribute__ ((visibility ("default"))) const char *
__asan_default_options (void)
{
  return "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=0";
}
#endif

int
main (int argc, char **argv)
{
  struct options options = { .fd = -1 };

  if (!parse_options (argc, argv, &options) || options.fd < 0 || optind < argc)
    {
      fputs (usage, stderr);
      return 2;
    }
  return collet_fork_server_run (options.fd, options.readable, options.n_readable, &options.user,
                                 options.allow_unconfined);
}
