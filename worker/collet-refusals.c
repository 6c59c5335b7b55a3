/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-refusals.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collet-children.h"

/* Calls that are answered before the daemon's requests have their turn. */
#define BATCH 16

bool
collet_refusals_open (struct collet_refusals_watch *watch)
{
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
  int fds[2];

  *watch = (struct collet_refusals_watch){ -1, -1, -1 };
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
    return false;
  watch->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  if (watch->epoll_fd < 0 || epoll_ctl (watch->epoll_fd, EPOLL_CTL_ADD, fds[0], &event) < 0 ||
      fcntl (fds[0], F_SETFL, O_NONBLOCK) < 0)
    {
      close (fds[0]);
      close (fds[1]);
      return false;
    }
  watch->post_fd = fds[0];
  watch->child_post_fd = fds[1];
  return true;
}

struct collet_refusals *
collet_refusals_new (bool is_probe)
{
  struct collet_refusals *refusals = calloc (1, sizeof *refusals);
  void *page;

  if (refusals == NULL)
    return NULL;
  refusals->listener_fd = -1;
  if (is_probe)
    {
      page =
          /* cppcheck-suppress invalidFunctionArg ; -1 is what the manual asks for */
          mmap (NULL, sizeof *refusals->artifact, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
      refusals->artifact = page != MAP_FAILED ? page : NULL;
    }
  return refusals;
}

static void
stop_listening (struct collet_refusals *refusals, const struct collet_refusals_watch *watch)
{
  if (refusals->listener_fd < 0)
    return;
  epoll_ctl (watch->epoll_fd, EPOLL_CTL_DEL, refusals->listener_fd, NULL);
  close (refusals->listener_fd);
  refusals->listener_fd = -1;
}

void
collet_refusals_free (struct collet_refusals *refusals, const struct collet_refusals_watch *watch)
{
  if (refusals == NULL)
    return;
  stop_listening (refusals, watch);
  if (refusals->artifact != NULL)
    munmap ((void *)refusals->artifact, sizeof *refusals->artifact);
  free (refusals->list);
  free (refusals->totals);
  free (refusals);
}

void
collet_refusals_post (int post_fd, int listener_fd)
{
  const struct collet_frame_header header = { .type = COLLET_FRAME_LISTENER, .id = (uint64_t)getpid () };

  /* If it cannot be sent, the calls fail for want of somebody who is asked. */
  (void)collet_wire_send (post_fd, &header, NULL, 0, &listener_fd, 1);
  close (listener_fd);
}

/* ---- what arrives ---- */

static void
take_listener (const struct collet_refusals_watch *watch, struct collet_children *children,
               struct collet_frame *frame)
{
  struct collet_child *child = collet_children_find (children, (pid_t)frame->header.id);
  struct epoll_event event = { .events = EPOLLIN };

  /* It may have ended by now. */
  if (child == NULL || child->refusals == NULL || child->refusals->listener_fd >= 0 || frame->n_fds != 1)
    return;
  event.data.ptr = child->refusals;
  if (epoll_ctl (watch->epoll_fd, EPOLL_CTL_ADD, frame->fds[0], &event) == 0)
    child->refusals->listener_fd = collet_frame_steal_fd (frame, 0);
}

static void
take_posts (const struct collet_refusals_watch *watch, struct collet_children *children, char *buffer)
{
  struct collet_frame frame;

  while (collet_wire_receive (watch->post_fd, buffer, COLLET_WIRE_BUFFER, &frame) == 1)
    {
      take_listener (watch, children, &frame);
      collet_frame_clear (&frame);
    }
}

/* ---- what is refused ---- */

static void
copy_name (char *name, size_t size, int number)
{
  char *known = seccomp_syscall_resolve_num_arch (SCMP_ARCH_NATIVE, number);

  if (known != NULL)
    snprintf (name, size, "%s", known);
  else
    snprintf (name, size, "syscall-%d", number);
  free (known);
}

static bool
make_room (struct collet_refusals *refusals)
{
  if (refusals->list == NULL)
    refusals->list = calloc (COLLET_REFUSALS_MAX, sizeof *refusals->list);
  if (refusals->totals == NULL)
    refusals->totals = calloc (COLLET_REFUSALS_MAX, sizeof *refusals->totals);
  return refusals->list != NULL && refusals->totals != NULL && refusals->n < COLLET_REFUSALS_MAX;
}

/* The first time is news, and then whenever the number has doubled. */
static void
note (struct collet_refusals *refusals, int number)
{
  const uint32_t artifact = refusals->artifact != NULL ? atomic_load (refusals->artifact) : 0;
  unsigned i = 0;

  while (i < refusals->n && (refusals->list[i].artifact != artifact || refusals->list[i].number != number))
    i++;
  if (i == refusals->n)
    {
      if (!make_room (refusals))
        return;
      refusals->list[i] = (struct collet_refused){ .artifact = artifact, .number = number };
      copy_name (refusals->list[i].name, sizeof refusals->list[i].name, number);
      refusals->n++;
    }
  refusals->list[i].times++;
  refusals->totals[i]++;
  if ((refusals->totals[i] & (refusals->totals[i] - 1)) == 0)
    refusals->has_news = true;
}

static void
refuse (struct collet_refusals *refusals)
{
  union
  {
    struct seccomp_notif request;
    char room[512]; /* a newer kernel's may be longer */
  } asked;
  union
  {
    struct seccomp_notif_resp response;
    char room[512];
  } answer;

  memset (&asked, 0, sizeof asked);
  memset (&answer, 0, sizeof answer);
  if (ioctl (refusals->listener_fd, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
    return; /* it was killed, or a signal came first: it asks again */
  note (refusals, asked.request.data.nr);
  answer.response.id = asked.request.id;
  answer.response.error = -EPERM;
  (void)ioctl (refusals->listener_fd, SECCOMP_IOCTL_NOTIF_SEND, &answer); /* likewise */
}

bool
collet_refusals_serve (const struct collet_refusals_watch *watch, struct collet_children *children,
                       char *buffer)
{
  struct epoll_event events[BATCH];
  int n = watch->epoll_fd >= 0 ? epoll_wait (watch->epoll_fd, events, BATCH, 0) : 0;
  bool has_news = false;

  for (int i = 0; i < n; i++)
    {
      struct collet_refusals *refusals = events[i].data.ptr;

      if (refusals == NULL)
        take_posts (watch, children, buffer);
      else if (events[i].events & EPOLLIN)
        refuse (refusals);
      else
        stop_listening (refusals, watch); /* it has ended */
      has_news = has_news || (refusals != NULL && refusals->has_news);
    }
  return has_news;
}

unsigned
collet_refusals_take (struct collet_refusals *refusals, struct collet_refused *list)
{
  unsigned n = 0;

  for (unsigned i = 0; i < refusals->n; i++)
    {
      if (refusals->list[i].times > 0)
        list[n++] = refusals->list[i];
      refusals->list[i].times = 0;
    }
  refusals->has_news = false;
  return n;
}
