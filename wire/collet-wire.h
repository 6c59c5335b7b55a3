/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-wire.h: frames between colletd, the fork server and the workers.
 *
 * Transport: AF_UNIX SOCK_SEQPACKET, one frame a message, same machine, native
 * byte order. A frame is a fixed header and a payload. A payload of more than
 * COLLET_WIRE_INLINE bytes travels as a memfd beside the header
 * (COLLET_FRAME_IN_FD): the receiver copies it with pread (never mmap: the peer
 * could shrink it) after checking its size against COLLET_WIRE_MAX.
 * Fds follow as SCM_RIGHTS; a payload memfd, if any, is always the first.
 *
 * Three kinds of channel:
 *  - spawn:   colletd <-> fork server
 *  - call:    colletd <-> worker, calls and their events; every executor thread
 *             of a worker receives from it, so a frame is taken by exactly one
 *  - control: colletd <-> worker, everything that is not a call; served by a
 *             thread of its own, so cancellation reaches a busy worker
 */
#ifndef COLLET_WIRE_H
#define COLLET_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define COLLET_WIRE_MAGIC 0x4c4f4332u /* "2COL" in memory: protocol version 2 */
#define COLLET_WIRE_INLINE (32u * 1024u)
#define COLLET_WIRE_MAX (64u * 1024u * 1024u) /* state included */
#define COLLET_WIRE_MAX_FDS 4

enum collet_frame_type
{
  /* spawn channel, colletd -> fork server */
  COLLET_FRAME_SPAWN = 1, /* payload: collet_spawn_request; fds: call, control */
  COLLET_FRAME_PROBE = 2, /* payload: collet_probe_request; fds: report channel */
  COLLET_FRAME_KILL = 3,  /* payload: collet_exit (pid only): SIGKILL our child */
  /* spawn channel, fork server -> colletd; id: that of the request. SPAWN and
   * PROBE are each answered by SPAWNED and, later, EXITED, or by REFUSED alone. */
  COLLET_FRAME_SPAWNED = 10, /* payload: collet_exit (pid only); fds: pidfd */
  COLLET_FRAME_EXITED = 12,  /* payload: collet_exit; id: that of SPAWN or PROBE */
  COLLET_FRAME_REFUSED = 13, /* payload: collet_failure: fork or confinement failed */
  /* Any number of times between SPAWNED and EXITED, the last one just before it. */
  COLLET_FRAME_CONFINED = 14, /* payload: collet_refused, one or more; id: that of SPAWN or PROBE */

  /* child -> fork server, once it is confined and before anything of a module runs;
   * id: its pid; fds: the listener of its filter */
  COLLET_FRAME_LISTENER = 5,

  /* report channel, probe child -> colletd; id: index of the artifact; payload:
   * JSON report, see runtime/collet-probe.h. First one READ for each artifact of
   * the batch, in order, before anything of any of them runs, so what they say
   * does not depend on a candidate's honesty. Then one PROBED for each, in order
   * (also for one that was refused when read); none if read_only. */
  COLLET_FRAME_PROBE_READ = 15, /* what the file says: checks, manifest, digest */
  COLLET_FRAME_PROBED = 16,     /* what running it says: further checks */

  /* call channel, colletd -> worker */
  COLLET_FRAME_CALL = 20, /* payload: collet_call_request */
  /* call channel, worker -> colletd; id: that of the call */
  COLLET_FRAME_RESULT = 30,   /* status: collet_status; payload: JSON
                                 {"content":[...],"structuredContent":{},"isError":true};
                                 with COLLET_INPUT_REQUIRED
                                 {"inputRequests":{"<key>":{"method":"...","params":{}}},
                                  "state":"<base64>"}, state if there is one */
  COLLET_FRAME_PROGRESS = 31, /* payload: JSON params less progressToken:
                                 {"progress":1,"total":2,"message":"..."} */
  COLLET_FRAME_LOG = 32,      /* status: collet_level; payload: JSON
                                 {"level":"info","logger":"...","data":"..."};
                                 id 0: outside any call (init, self_test, ...) */

  /* control channel, colletd -> worker; each is answered by one ANSWER with the
   * same id, except CANCEL, which is not answered */
  COLLET_FRAME_CANCEL = 40,       /* id: that of the call */
  COLLET_FRAME_EXPORT_STATE = 41, /* answer payload: bytes */
  COLLET_FRAME_IMPORT_STATE = 42, /* payload: bytes */
  COLLET_FRAME_CODE_CHANGE = 43,  /* status: collet_direction, detail: format;
                                     payload: bytes; answer payload: bytes */
  COLLET_FRAME_SELF_TEST = 44,
  COLLET_FRAME_STATS = 45,    /* answer payload: collet_worker_stats */
  COLLET_FRAME_SHUTDOWN = 46, /* fini, answer, exit 0 */
  /* control channel, worker -> colletd */
  COLLET_FRAME_READY = 50,  /* after dlopen, ABI check and init; payload: none */
  COLLET_FRAME_BROKEN = 51, /* could not start; payload: collet_failure; then exit */
  COLLET_FRAME_ANSWER = 52, /* status: collet_status; failed: payload is the reason, UTF-8 */
};

enum collet_frame_flags
{
  COLLET_FRAME_IN_FD = 1u << 0, /* payload is in the first fd */
};

struct collet_frame_header
{
  uint32_t magic;
  uint16_t type;
  uint16_t flags;
  uint64_t id;
  int32_t status;
  uint32_t detail;
  uint32_t size; /* of the payload, inline or in the fd */
  uint32_t reserved;
};

/* A payload of `collet_failure` is what collet-failure.h encodes. */

struct collet_exit
{
  int32_t pid;
  int32_t status; /* as from waitpid */
};

/* A system call that the child's filter refused, and how often since it was last
 * told. */
struct collet_refused
{
  uint32_t artifact; /* a probe's: index of the one that ran */
  int32_t number;
  uint64_t times;
  char name[32]; /* "socket", with its NUL */
};

struct collet_limits
{
  uint64_t address_space; /* bytes, RLIMIT_AS; 0: not limited */
  uint64_t file_size;     /* bytes, RLIMIT_FSIZE; raised to COLLET_WIRE_MAX, so that
                             a large frame can be sent: no file can be written */
  uint32_t open_files;    /* RLIMIT_NOFILE; 0: the default, 64 */
  uint32_t threads;       /* not enforced one by one (RLIMIT_NPROC counts a whole
                             user): address_space and the unit's TasksMax bound
                             them, STATS counts them */
  uint32_t cpu_seconds;   /* RLIMIT_CPU; 0: not limited (probe: 10) */
  uint32_t deadline_ms;   /* probe: wall clock for the whole batch; 0: 30 s */
};

/* COLLET_FRAME_SPAWN: the struct, then the artifact's absolute path, NUL. */
struct collet_spawn_request
{
  struct collet_limits limits;
  uint32_t executors; /* threads that run calls: 1 unless concurrent */
  uint32_t network;   /* 1: manifest and policy allow sockets */
};

/* COLLET_FRAME_PROBE: the struct, then `count` absolute paths, each NUL. */
struct collet_probe_request
{
  struct collet_limits limits;
  uint32_t count;
  uint32_t read_only; /* 1: read the ELF and the manifest, run nothing */
  uint32_t brief;     /* 1: reports leave out the checks that passed */
  uint32_t unused;
};

/* COLLET_FRAME_CALL: the struct, then tool name, then arguments (JSON), then
 * trace (correlation id), then replies (JSON: {"<key>":{...}}, or nothing), then
 * state (bytes), none with NUL. */
struct collet_call_request
{
  int64_t deadline_us; /* CLOCK_MONOTONIC; INT64_MAX: none */
  uint32_t tool_size;
  uint32_t arguments_size;
  uint32_t trace_size;
  uint16_t wants_progress;
  uint16_t log_level; /* enum collet_level or COLLET_LOG_NONE */
  uint32_t replies_size;
  uint32_t state_size;
  uint32_t questions; /* what the client can be asked: 1 << enum collet_question */
  uint32_t reserved;
};
#define COLLET_LOG_NONE 255
#define COLLET_TRACE_MAX 64 /* a longer one is no trace */

struct collet_worker_stats
{
  uint32_t threads;
  uint32_t fds;
  uint64_t resident; /* bytes */
};

/* A received frame. `payload` is NUL-terminated past `header.size`, and points
 * into `buffer` of the receiver or into `heap`. */
struct collet_frame
{
  struct collet_frame_header header;
  const char *payload;
  char *heap; /* or NULL; freed by collet_frame_clear */
  int fds[COLLET_WIRE_MAX_FDS];
  unsigned n_fds; /* the payload's memfd is not among them */
};

/* Sends one frame built from `n_parts` pieces (at most COLLET_WIRE_MAX_PARTS).
 * `magic`, `size` and `flags` of the header are filled in. Blocks or not as the
 * socket does. Returns 0 or -errno (-EAGAIN: nothing was sent; -EPIPE: the peer
 * closed; -EMSGSIZE: more than COLLET_WIRE_MAX). Fds are not closed. Several
 * threads may send on one socket. */
#define COLLET_WIRE_MAX_PARTS 8
struct iovec;
int collet_wire_send (int fd, const struct collet_frame_header *header, const struct iovec *parts,
                      unsigned n_parts, const int *fds, unsigned n_fds);

/* One piece, no fds. */
int collet_wire_send_simple (int fd, uint16_t type, uint64_t id, int32_t status, const void *payload,
                             size_t size);

/* Receives one frame into `buffer`, which has at least COLLET_WIRE_BUFFER bytes.
 * Returns 1: a frame, to be cleared; 0: the peer closed; -errno: -EAGAIN;
 * -EPROTO (bad magic, flags, size or fds: close the channel); -EMSGSIZE (longer
 * than any frame: likewise); -ENOMEM for the payload of a frame whose
 * header is sound and filled in, so that it can be answered. On any error no fd is
 * left open. Received fds are close-on-exec. Several threads may receive from one socket; each frame
 * goes to one of them. */
#define COLLET_WIRE_BUFFER (sizeof (struct collet_frame_header) + COLLET_WIRE_INLINE + 1)
int collet_wire_receive (int fd, char *buffer, size_t buffer_size, struct collet_frame *frame);
void collet_frame_clear (struct collet_frame *frame);
/* Takes an fd out of the frame (the caller closes it); -1 if there is none. */
int collet_frame_steal_fd (struct collet_frame *frame, unsigned index);

#endif /* COLLET_WIRE_H */
