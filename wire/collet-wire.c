/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-wire.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* The payload's memfd and those of the frame. */
#define MAX_FDS (COLLET_WIRE_MAX_FDS + 1)

/* A payload that shrinks while it is read would be a payload of zeros. */
#define PAYLOAD_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

_Static_assert(sizeof (struct collet_frame_header) == 32, "the header has no padding");

union control
{
  char bytes[CMSG_SPACE (MAX_FDS * sizeof (int))];
  struct cmsghdr align;
};

static size_t
sum_parts (const struct iovec *parts, unsigned n_parts)
{
  size_t size = 0;

  for (unsigned i = 0; i < n_parts; i++)
    {
      if (parts[i].iov_len > COLLET_WIRE_MAX - size)
        return SIZE_MAX;
      size += parts[i].iov_len;
    }
  return size;
}

static int
write_part (int fd, const struct iovec *part)
{
  const char *bytes = part->iov_base;
  size_t left = part->iov_len;

  while (left > 0)
    {
      ssize_t written = write (fd, bytes, left);

      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        return -errno;
      bytes += written;
      left -= (size_t)written;
    }
  return 0;
}

/* A sealed memfd with the payload, or -errno. */
static int
make_payload_fd (const struct iovec *parts, unsigned n_parts)
{
  int fd = memfd_create ("collet-frame", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  int result = fd < 0 ? -errno : 0;

  for (unsigned i = 0; i < n_parts && result == 0; i++)
    result = write_part (fd, &parts[i]);
  if (result == 0 && fcntl (fd, F_ADD_SEALS, PAYLOAD_SEALS) < 0)
    result = -errno;
  if (result == 0)
    return fd;

  if (fd >= 0)
    close (fd);
  return result;
}

static void
attach_fds (struct msghdr *message, union control *control, const int *fds, unsigned n_fds)
{
  struct cmsghdr *cmsg;

  if (n_fds == 0)
    return;
  memset (control, 0, sizeof *control);
  message->msg_control = control->bytes;
  message->msg_controllen = CMSG_SPACE (n_fds * sizeof (int));
  cmsg = CMSG_FIRSTHDR (message);
  cmsg->cmsg_level = SOL_SOCKET;
  cmsg->cmsg_type = SCM_RIGHTS;
  cmsg->cmsg_len = CMSG_LEN (n_fds * sizeof (int));
  memcpy (CMSG_DATA (cmsg), fds, n_fds * sizeof (int));
}

static int
send_message (int fd, struct iovec *parts, unsigned n_parts, const int *fds, unsigned n_fds)
{
  struct msghdr message = { .msg_iov = parts, .msg_iovlen = n_parts };
  union control control;
  ssize_t sent;

  attach_fds (&message, &control, fds, n_fds);
  do
    sent = sendmsg (fd, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : 0;
}

static int
send_in_fd (int fd, struct iovec *header_part, const struct iovec *parts, unsigned n_parts, const int *fds,
            unsigned n_fds)
{
  int all_fds[MAX_FDS];
  int payload_fd = make_payload_fd (parts, n_parts);
  int result;

  if (payload_fd < 0)
    return payload_fd;
  all_fds[0] = payload_fd;
  if (n_fds > 0)
    memcpy (all_fds + 1, fds, n_fds * sizeof (int));
  result = send_message (fd, header_part, 1, all_fds, n_fds + 1);
  close (payload_fd);
  return result;
}

int
collet_wire_send (int fd, const struct collet_frame_header *header, const struct iovec *parts,
                  unsigned n_parts, const int *fds, unsigned n_fds)
{
  struct collet_frame_header full = *header;
  struct iovec all[COLLET_WIRE_MAX_PARTS + 1];
  size_t size;

  if (n_parts > COLLET_WIRE_MAX_PARTS || n_fds > COLLET_WIRE_MAX_FDS)
    return -EINVAL;
  size = sum_parts (parts, n_parts);
  if (size > COLLET_WIRE_MAX)
    return -EMSGSIZE;

  full.magic = COLLET_WIRE_MAGIC;
  full.flags = size > COLLET_WIRE_INLINE ? COLLET_FRAME_IN_FD : 0;
  full.size = (uint32_t)size;
  full.reserved = 0;
  all[0] = (struct iovec){ &full, sizeof full };
  if (full.flags & COLLET_FRAME_IN_FD)
    return send_in_fd (fd, all, parts, n_parts, fds, n_fds);

  if (n_parts > 0)
    memcpy (all + 1, parts, n_parts * sizeof *parts);
  return send_message (fd, all, n_parts + 1, fds, n_fds);
}

int
collet_wire_send_simple (int fd, uint16_t type, uint64_t id, int32_t status, const void *payload, size_t size)
{
  struct collet_frame_header header = { .type = type, .id = id, .status = status };
  struct iovec part = { (void *)payload, size };

  return collet_wire_send (fd, &header, &part, 1, NULL, 0);
}

static void
close_fds (const int *fds, unsigned n_fds)
{
  for (unsigned i = 0; i < n_fds; i++)
    close (fds[i]);
}

/* How many fds came with the message; all are put into `fds`. */
static unsigned
take_fds (struct msghdr *message, int fds[MAX_FDS])
{
  unsigned n_fds = 0;

  for (struct cmsghdr *cmsg = CMSG_FIRSTHDR (message); cmsg != NULL; cmsg = CMSG_NXTHDR (message, cmsg))
    {
      unsigned n;

      if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
        continue;
      n = (unsigned)((cmsg->cmsg_len - CMSG_LEN (0)) / sizeof (int));
      /* The kernel passes on no more than the control buffer was said to hold. */
      assert (n_fds + n <= MAX_FDS);
      memcpy (fds + n_fds, CMSG_DATA (cmsg), n * sizeof (int));
      n_fds += n;
    }
  return n_fds;
}

/* Copies the payload out of a memfd of a peer that is not trusted: a pipe or a
 * file on a slow disk could block the reader for ever, so it must be a sealed
 * memfd of exactly the announced size. */
static int
read_payload_fd (int fd, size_t size, char **payload)
{
  struct stat info;
  int seals = fcntl (fd, F_GET_SEALS);
  size_t done = 0;
  char *bytes;

  if (seals < 0 || (seals & PAYLOAD_SEALS) != PAYLOAD_SEALS)
    return -EPROTO;
  if (fstat (fd, &info) < 0 || !S_ISREG (info.st_mode) || info.st_size != (off_t)size)
    return -EPROTO;
  bytes = malloc (size + 1);
  if (bytes == NULL)
    return -ENOMEM;

  while (done < size)
    {
      ssize_t n = pread (fd, bytes + done, size - done, (off_t)done);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          free (bytes);
          return n < 0 ? -errno : -EPROTO;
        }
      done += (size_t)n;
    }
  bytes[size] = '\0';
  *payload = bytes;
  return 0;
}

static int
check_header (const struct collet_frame_header *header, size_t received, unsigned n_fds)
{
  if (received < sizeof *header || header->magic != COLLET_WIRE_MAGIC)
    return -EPROTO;
  if ((header->flags & ~COLLET_FRAME_IN_FD) != 0 || header->size > COLLET_WIRE_MAX)
    return -EPROTO;
  if (header->flags & COLLET_FRAME_IN_FD)
    return received == sizeof *header && n_fds >= 1 ? 0 : -EPROTO;
  return received == sizeof *header + header->size && n_fds <= COLLET_WIRE_MAX_FDS ? 0 : -EPROTO;
}

/* Fills in the payload and the fds of a frame whose header is there. */
static int
finish_frame (struct collet_frame *frame, char *buffer, size_t received, const int *fds, unsigned n_fds)
{
  int result = check_header (&frame->header, received, n_fds);
  unsigned first = 0;

  if (result < 0)
    return result;
  if (frame->header.flags & COLLET_FRAME_IN_FD)
    {
      result = read_payload_fd (fds[0], frame->header.size, &frame->heap);
      if (result < 0)
        return result;
      frame->payload = frame->heap;
      close (fds[0]);
      first = 1;
    }
  else
    {
      buffer[frame->header.size] = '\0';
      frame->payload = buffer;
    }
  frame->n_fds = n_fds - first;
  memcpy (frame->fds, fds + first, frame->n_fds * sizeof (int));
  return 1;
}

int
collet_wire_receive (int fd, char *buffer, size_t buffer_size, struct collet_frame *frame)
{
  struct iovec parts[2];
  union control control;
  struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
  int fds[MAX_FDS];
  unsigned n_fds;
  ssize_t received;
  int result;

  if (buffer_size < COLLET_WIRE_BUFFER)
    return -EINVAL;
  memset (frame, 0, sizeof *frame);
  parts[0] = (struct iovec){ &frame->header, sizeof frame->header };
  parts[1] = (struct iovec){ buffer, buffer_size - 1 };
  message.msg_control = control.bytes;
  message.msg_controllen = CMSG_LEN (MAX_FDS * sizeof (int)); /* without the padding: one more would fit */
  do
    received = recvmsg (fd, &message, MSG_CMSG_CLOEXEC);
  while (received < 0 && errno == EINTR);
  if (received < 0)
    return -errno;

  n_fds = take_fds (&message, fds);
  if (message.msg_flags & MSG_TRUNC)
    result = -EMSGSIZE;
  else if (message.msg_flags & MSG_CTRUNC)
    result = -EPROTO;
  else if (received == 0)
    result = 0;
  else
    result = finish_frame (frame, buffer, (size_t)received, fds, n_fds);
  if (result <= 0)
    close_fds (fds, n_fds);
  return result;
}

void
collet_frame_clear (struct collet_frame *frame)
{
  for (unsigned i = 0; i < frame->n_fds; i++)
    if (frame->fds[i] >= 0)
      close (frame->fds[i]);
  free (frame->heap);
  memset (frame, 0, sizeof *frame);
}

int
collet_frame_steal_fd (struct collet_frame *frame, unsigned index)
{
  int fd;

  if (index >= frame->n_fds)
    return -1;
  fd = frame->fds[index];
  frame->fds[index] = -1;
  return fd;
}
