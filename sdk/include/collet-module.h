/* SPDX-License-Identifier: 0BSD
 *
 * collet-module.h: all that a tool author needs.
 *
 * A module is one shared object that implements one or more MCP tools. It
 * exports a single data symbol, COLLET_MODULE_SYMBOL, holding a struct
 * collet_module, and carries its manifest (JSON) as an ELF note. Nothing of the
 * module runs before both were read and checked.
 *
 * Plain C99, usable from C++, callable from any language with a C ABI. No
 * library to link: the host passes every function it offers as a table.
 *
 * Rules for the whole header:
 *  - Text is UTF-8. A `const char *` without a size is NUL-terminated.
 *  - JSON passed in either direction is RFC 8259 text; the host checks what a
 *    module produces and fails the call with InvalidResult if it is not.
 *  - Pointers that the host passes are borrowed and valid until the function
 *    that received them returns. The host copies what a module passes to it.
 *  - Every struct that crosses the boundary begins with its size, so that a
 *    newer minor ABI can append members; a reader uses only the members that
 *    lie within the size it is given.
 */
#ifndef COLLET_MODULE_H
#define COLLET_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if !defined(__GNUC__)
#error "A Collet module is an ELF shared object made by gcc or clang."
#endif

#ifdef __cplusplus
#define COLLET_BEGIN_DECLS                                                                                   \
  extern "C"                                                                                                 \
  {
#define COLLET_END_DECLS }
#else
#define COLLET_BEGIN_DECLS
#define COLLET_END_DECLS
#endif

COLLET_BEGIN_DECLS

/* A module built for another major version is refused; a module built for a
 * newer minor version than the host's is refused as well (AbiMismatch). */
#define COLLET_ABI_MAJOR 1
#define COLLET_ABI_MINOR 2 /* 1: questions to the client; 2: trace */

/* What a module function returns. Any other value counts as COLLET_FAILED. */
enum collet_status
{
  COLLET_OK = 0,
  COLLET_FAILED = 1,    /* a call: result with isError; else: the step fails */
  COLLET_CANCELLED = 2, /* a call that stopped because it was told to */
  /* A call that asked (collet_ask_*) and cannot go on without the answers. Since
   * 1.1. */
  COLLET_INPUT_REQUIRED = 3
};

/* RFC 5424 severities, as in MCP's logging levels. */
enum collet_level
{
  COLLET_LEVEL_DEBUG = 0,
  COLLET_LEVEL_INFO = 1,
  COLLET_LEVEL_NOTICE = 2,
  COLLET_LEVEL_WARNING = 3,
  COLLET_LEVEL_ERROR = 4,
  COLLET_LEVEL_CRITICAL = 5,
  COLLET_LEVEL_ALERT = 6,
  COLLET_LEVEL_EMERGENCY = 7
};

/* Which way collet_module.code_change goes. */
enum collet_direction
{
  COLLET_UP = 1,  /* from an older (or foreign) format to this module's */
  COLLET_DOWN = 2 /* from this module's format back to an older one */
};

/* What a client can be asked for, on behalf of a call. Since 1.1. */
enum collet_question
{
  COLLET_QUESTION_FORM = 0,  /* the user fills in a form (elicitation/create) */
  COLLET_QUESTION_URL = 1,   /* the user is sent to a web page (elicitation/create) */
  COLLET_QUESTION_MODEL = 2, /* the client's model answers (sampling/createMessage) */
  COLLET_QUESTION_ROOTS = 3  /* which folders the user works in (roots/list) */
};

/* What became of a question. Since 1.1. */
enum collet_reply
{
  COLLET_REPLY_NONE = 0,     /* not asked yet, or not answered properly: ask (again) */
  COLLET_REPLY_ACCEPTED = 1, /* there is an answer */
  COLLET_REPLY_DECLINED = 2, /* the user, or the client, said no */
  COLLET_REPLY_CANCELLED = 3 /* the user closed the question without a choice */
};

struct collet_call_ops;
struct collet_context_ops;

/* One call of one tool; lives until collet_module.call returns. */
struct collet_call
{
  const struct collet_call_ops *ops;
};

/* The surroundings of every function other than `call`. */
struct collet_context
{
  const struct collet_context_ops *ops;
};

/* What the host offers during a call. Use the collet_* inline functions below;
 * every function may be called from any thread of the module until `call`
 * returns. */
struct collet_call_ops
{
  uint32_t struct_size;

  /* The arguments as one JSON object, already checked against the tool's
   * inputSchema; NUL-terminated as well. Never NULL ("{}" if none given). */
  const char *(*arguments) (struct collet_call *call, size_t *size);
  /* A member of the arguments. False, and *value untouched, if it is absent or
   * of another type. get_integer: a JSON number that is a whole number in the
   * range of int64_t. get_string: unescaped, NUL-terminated. get_json: the raw
   * text of any value, NUL-terminated. `size` may be NULL here and above. */
  bool (*get_boolean) (struct collet_call *call, const char *name, bool *value);
  bool (*get_integer) (struct collet_call *call, const char *name, int64_t *value);
  bool (*get_number) (struct collet_call *call, const char *name, double *value);
  bool (*get_string) (struct collet_call *call, const char *name, const char **value, size_t *size);
  bool (*get_json) (struct collet_call *call, const char *name, const char **value, size_t *size);

  /* Content blocks of the result, in the order in which they are added. */
  void (*add_text) (struct collet_call *call, const char *text, size_t size);
  void (*add_image) (struct collet_call *call, const void *data, size_t size, const char *mime_type);
  void (*add_audio) (struct collet_call *call, const void *data, size_t size, const char *mime_type);
  /* title, description and mime_type may be NULL. */
  void (*add_resource_link) (struct collet_call *call, const char *uri, const char *name, const char *title,
                             const char *description, const char *mime_type);
  void (*add_resource_text) (struct collet_call *call, const char *uri, const char *mime_type,
                             const char *text, size_t size);
  void (*add_resource_blob) (struct collet_call *call, const char *uri, const char *mime_type,
                             const void *data, size_t size);
  /* structuredContent: one JSON object. The last one given counts. If no
   * content block was added, the same text is also sent as a text block, for
   * clients that do not read structured content. */
  void (*set_structured) (struct collet_call *call, const char *json, size_t size);
  /* Makes the result an error (isError) and adds the message as text. */
  void (*set_error) (struct collet_call *call, const char *message);

  /* total <= 0: unknown. message may be NULL. Progress must grow. Dropped
   * cheaply when the client did not ask for it. */
  void (*progress) (struct collet_call *call, double progress, double total, const char *message);
  /* logger may be NULL. To the client, if it asked for this level, and to the
   * daemon's log. */
  void (*log) (struct collet_call *call, enum collet_level level, const char *logger, const char *text);
  /* True once the client cancelled, the deadline passed or the host is told to
   * stop. A long call asks often and returns COLLET_CANCELLED. */
  bool (*is_cancelled) (struct collet_call *call);
  /* Milliseconds until the call is ended by the host; INT64_MAX: no limit. */
  int64_t (*remaining_ms) (struct collet_call *call);

  /* Since 1.1: questions to the client. A call that needs to know more asks one
   * or more questions, each under a key of its own, and returns
   * COLLET_INPUT_REQUIRED. The client gets the answers and the tool is called
   * again, from the beginning, with the same arguments and with the answers. No
   * thread waits meanwhile, and a reload may come between: then the new version
   * begins without answers and asks for itself. */

  /* Whether this client can answer that kind of question. */
  bool (*can_ask) (struct collet_call *call, enum collet_question question);
  /* `params`: the JSON object that MCP has for that request. A question that the
   * client cannot answer ends the call with an error that says so. At most 16 a
   * call; a key has at most 128 bytes. */
  void (*ask) (struct collet_call *call, enum collet_question question, const char *key, const char *params,
               size_t size);
  /* What was answered under that key. */
  enum collet_reply (*get_reply) (struct collet_call *call, const char *key);
  /* A part of the answer: `path` are names of members with '/' between them, as in
   * "content/text"; "" is the whole. Like get_string and get_json. Answers come
   * from the client: check them as you would check arguments. */
  bool (*get_reply_string) (struct collet_call *call, const char *key, const char *path, const char **value,
                            size_t *size);
  bool (*get_reply_json) (struct collet_call *call, const char *key, const char *path, const char **value,
                          size_t *size);
  /* What the call wants to remember until it is called again with the answers; at
   * most 64 KiB. The client carries it, sealed: it can neither read nor change it,
   * nor use it for another tool, other arguments or another version, but it may
   * use it twice. get_state: false, and nothing touched, if there is none. */
  void (*set_state) (struct collet_call *call, const void *bytes, size_t size);
  bool (*get_state) (struct collet_call *call, const void **bytes, size_t *size);

  /* Since 1.2: the call's correlation id, 32 hexadecimal digits: the trace-id of W3C
   * Trace Context, the caller's if it sent one. The daemon's log has it too; pass it
   * on to what you call. NULL: the call has none. */
  const char *(*trace) (struct collet_call *call);
};

struct collet_context_ops
{
  uint32_t struct_size;
  void (*log) (struct collet_context *context, enum collet_level level, const char *text);
  /* Says why the function is about to return COLLET_FAILED; shown to people,
   * recorded in the history, nested in StateMigrationFailed and the like. */
  void (*fail) (struct collet_context *context, const char *reason);
  /* Appends to what export_state or code_change produces. */
  void (*write) (struct collet_context *context, const void *bytes, size_t size);
};

/* What a module offers. Only `call` must be there.
 *
 * Order: init, then [import_state], then [self_test], then calls; export_state
 * only while no call runs; fini last, and only when no call runs. import_state
 * may come more than once before the first call (a rehearsal, then the real
 * state). With "concurrent": false in the manifest (the default) calls never
 * overlap. */
struct collet_module
{
  uint32_t struct_size; /* sizeof (struct collet_module) */
  uint16_t abi_major;   /* COLLET_ABI_MAJOR */
  uint16_t abi_minor;   /* COLLET_ABI_MINOR */

  /* *instance goes to every other function; it may stay NULL. */
  int (*init) (struct collet_context *context, void **instance);
  void (*fini) (void *instance);

  int (*call) (void *instance, const char *tool, struct collet_call *call);

  /* A stateful module has both; their bytes are in the manifest's
   * state_format. import_state replaces the instance's whole state. */
  int (*export_state) (void *instance, struct collet_context *context);
  int (*import_state) (void *instance, struct collet_context *context, const void *bytes, size_t size);

  /* Translates exported state between formats; a pure function of the bytes
   * (it has no instance), so the host can try it on a copy.
   *   COLLET_UP:   bytes are in `format`; write them in this module's.
   *   COLLET_DOWN: bytes are in this module's; write them in `format`. Before a
   *   reload the host lets DOWN translate what UP gave: that must be the same
   *   bytes again.
   * Fail, with a reason, for a format that is not known. */
  int (*code_change) (struct collet_context *context, enum collet_direction direction, uint32_t format,
                      const void *bytes, size_t size);

  /* Runs in a new generation before it is published; must leave the state as
   * it was. */
  int (*self_test) (void *instance, struct collet_context *context);
};

/* The one exported symbol: a struct collet_module. */
#define COLLET_MODULE_SYMBOL "collet_module"

/* COLLET_MODULE (.init = ..., .call = ...); defines the exported symbol. In C++
 * (14 or later) name the members in the order of the struct. */
#define COLLET_MODULE(...)                                                                                   \
  COLLET_BEGIN_DEFINITION                                                                                    \
  extern __attribute__ ((visibility ("default"))) const struct collet_module collet_module;                  \
  __extension__ __attribute__ ((used))                                                                       \
  const struct collet_module collet_module = { .struct_size = sizeof (struct collet_module),                 \
                                               .abi_major = COLLET_ABI_MAJOR,                                \
                                               .abi_minor = COLLET_ABI_MINOR,                                \
                                               __VA_ARGS__ };                                                \
  COLLET_END_DEFINITION                                                                                      \
  extern const struct collet_module collet_module

/* Manifest note: owner "Collet", type COLLET_NOTE_MANIFEST, description: the
 * JSON text, in an allocated section .note.collet (so in a PT_NOTE segment),
 * padded to 4 bytes with NUL. */
#define COLLET_NOTE_OWNER "Collet"
#define COLLET_NOTE_MANIFEST 1
#define COLLET_NOTE_SECTION ".note.collet"

/* COLLET_MANIFEST ("{ \"name\": ... }"); embeds a manifest given as a string
 * literal. For one in a file of its own use the build helper collet-manifest
 * (see sdk/README.md). */
#ifdef __cplusplus
#define COLLET_MANIFEST(json)                                                                                \
  COLLET_NOTE_ATTRIBUTES static constexpr collet_note<sizeof (json)> collet_manifest_note (json)
#else
#define COLLET_MANIFEST(json)                                                                                \
  COLLET_NOTE_ATTRIBUTES static const struct                                                                 \
  {                                                                                                          \
    uint32_t owner_size, size, type;                                                                         \
    char owner[8];                                                                                           \
    COLLET_NONSTRING char text[(sizeof (json) + 2) & ~(size_t)3];                                            \
  } collet_manifest_note = { sizeof (COLLET_NOTE_OWNER), sizeof (json) - 1, COLLET_NOTE_MANIFEST,            \
                             COLLET_NOTE_OWNER, json }
#endif

/* Shorthand for the host's functions. */

static inline const char *
collet_arguments (struct collet_call *call, size_t *size)
{
  return call->ops->arguments (call, size);
}

static inline bool
collet_get_boolean (struct collet_call *call, const char *name, bool *value)
{
  return call->ops->get_boolean (call, name, value);
}

static inline bool
collet_get_integer (struct collet_call *call, const char *name, int64_t *value)
{
  return call->ops->get_integer (call, name, value);
}

static inline bool
collet_get_number (struct collet_call *call, const char *name, double *value)
{
  return call->ops->get_number (call, name, value);
}

static inline bool
collet_get_string (struct collet_call *call, const char *name, const char **value, size_t *size)
{
  return call->ops->get_string (call, name, value, size);
}

static inline bool
collet_get_json (struct collet_call *call, const char *name, const char **value, size_t *size)
{
  return call->ops->get_json (call, name, value, size);
}

static inline void
collet_add_text (struct collet_call *call, const char *text)
{
  call->ops->add_text (call, text, strlen (text));
}

static inline void
collet_add_text_sized (struct collet_call *call, const char *text, size_t size)
{
  call->ops->add_text (call, text, size);
}

static inline void
collet_add_image (struct collet_call *call, const void *data, size_t size, const char *mime_type)
{
  call->ops->add_image (call, data, size, mime_type);
}

static inline void
collet_add_audio (struct collet_call *call, const void *data, size_t size, const char *mime_type)
{
  call->ops->add_audio (call, data, size, mime_type);
}

static inline void
collet_add_resource_link (struct collet_call *call, const char *uri, const char *name, const char *title,
                          const char *description, const char *mime_type)
{
  call->ops->add_resource_link (call, uri, name, title, description, mime_type);
}

static inline void
collet_add_resource_text (struct collet_call *call, const char *uri, const char *mime_type, const char *text)
{
  call->ops->add_resource_text (call, uri, mime_type, text, strlen (text));
}

static inline void
collet_add_resource_blob (struct collet_call *call, const char *uri, const char *mime_type, const void *data,
                          size_t size)
{
  call->ops->add_resource_blob (call, uri, mime_type, data, size);
}

static inline void
collet_set_structured (struct collet_call *call, const char *json)
{
  call->ops->set_structured (call, json, strlen (json));
}

/* return collet_call_fail (call, "no such file"); */
static inline int
collet_call_fail (struct collet_call *call, const char *message)
{
  call->ops->set_error (call, message);
  return COLLET_FAILED;
}

static inline void
collet_progress (struct collet_call *call, double progress, double total, const char *message)
{
  call->ops->progress (call, progress, total, message);
}

static inline void
collet_call_log (struct collet_call *call, enum collet_level level, const char *text)
{
  call->ops->log (call, level, NULL, text);
}

static inline bool
collet_is_cancelled (struct collet_call *call)
{
  return call->ops->is_cancelled (call);
}

static inline int64_t
collet_remaining_ms (struct collet_call *call)
{
  return call->ops->remaining_ms (call);
}

static inline bool
collet_can_ask (struct collet_call *call, enum collet_question question)
{
  return call->ops->can_ask (call, question);
}

/* return collet_ask (call, COLLET_QUESTION_FORM, "name",
 *                    "{\"message\":\"What is your name?\",\"requestedSchema\":{...}}"); */
static inline int
collet_ask (struct collet_call *call, enum collet_question question, const char *key, const char *params)
{
  call->ops->ask (call, question, key, params, strlen (params));
  return COLLET_INPUT_REQUIRED;
}

static inline enum collet_reply
collet_get_reply (struct collet_call *call, const char *key)
{
  return call->ops->get_reply (call, key);
}

static inline bool
collet_get_reply_string (struct collet_call *call, const char *key, const char *path, const char **value,
                         size_t *size)
{
  return call->ops->get_reply_string (call, key, path, value, size);
}

static inline bool
collet_get_reply_json (struct collet_call *call, const char *key, const char *path, const char **value,
                       size_t *size)
{
  return call->ops->get_reply_json (call, key, path, value, size);
}

static inline void
collet_set_state (struct collet_call *call, const void *bytes, size_t size)
{
  call->ops->set_state (call, bytes, size);
}

static inline bool
collet_get_state (struct collet_call *call, const void **bytes, size_t *size)
{
  return call->ops->get_state (call, bytes, size);
}

static inline const char *
collet_trace (struct collet_call *call)
{
  return call->ops->trace (call);
}

static inline void
collet_log (struct collet_context *context, enum collet_level level, const char *text)
{
  context->ops->log (context, level, text);
}

/* return collet_fail (context, "cannot read format 7"); */
static inline int
collet_fail (struct collet_context *context, const char *reason)
{
  context->ops->fail (context, reason);
  return COLLET_FAILED;
}

static inline void
collet_write (struct collet_context *context, const void *bytes, size_t size)
{
  context->ops->write (context, bytes, size);
}

COLLET_END_DECLS

/* What the two macros above need of the compiler; not for use elsewhere. */

/* Address sanitizers put guards around variables, which would break the note. */
#if defined(__clang__)
#define COLLET_NOTE_ATTRIBUTES                                                                               \
  __attribute__ ((section (COLLET_NOTE_SECTION), used, aligned (4), no_sanitize ("address")))
#else
#define COLLET_NOTE_ATTRIBUTES __attribute__ ((section (COLLET_NOTE_SECTION), used, aligned (4)))
#endif

#ifdef __cplusplus

/* Members are left out on purpose; g++ warns even of designated ones. */
#define COLLET_BEGIN_DEFINITION                                                                              \
  _Pragma ("GCC diagnostic push") _Pragma ("GCC diagnostic ignored \"-Wmissing-field-initializers\"")        \
      COLLET_BEGIN_DECLS
#define COLLET_END_DEFINITION COLLET_END_DECLS _Pragma ("GCC diagnostic pop")

/* C++ has no array initialized from a longer literal. Needs C++14. */
template <size_t literal_size> struct collet_note
{
  uint32_t owner_size, size, type;
  char owner[8];
  char text[(literal_size + 2) & ~static_cast<size_t> (3)];

  constexpr explicit collet_note (const char (&json)[literal_size])
      : owner_size (sizeof (COLLET_NOTE_OWNER)), size (literal_size - 1), type (COLLET_NOTE_MANIFEST),
        owner (COLLET_NOTE_OWNER), text ()
  {
    for (size_t i = 0; i + 1 < literal_size; i++)
      text[i] = json[i];
  }
};

#else

#define COLLET_BEGIN_DEFINITION
#define COLLET_END_DEFINITION

#if defined(__has_attribute)
#if __has_attribute(nonstring)
#define COLLET_NONSTRING __attribute__ ((nonstring))
#endif
#endif
#ifndef COLLET_NONSTRING
#define COLLET_NONSTRING
#endif

#endif /* __cplusplus */

#endif /* COLLET_MODULE_H */
