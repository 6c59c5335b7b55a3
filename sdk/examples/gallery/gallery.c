/* SPDX-License-Identifier: 0BSD
 *
 * gallery.c: one tool for each kind of thing that a tool can answer with.
 */
#include "collet-module.h"

#define RATE 8000          /* samples a second */
#define SAMPLES (RATE / 5) /* a fifth of a second */
#define HEADER 44          /* bytes of a WAV header */

/* 16 by 16 pixels, two colours. */
static const unsigned char picture[] = {
  0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00,
  0x00, 0x10, 0x00, 0x00, 0x00, 0x10, 0x01, 0x03, 0x00, 0x00, 0x00, 0x25, 0x3d, 0x6d, 0x22, 0x00, 0x00, 0x00,
  0x06, 0x50, 0x4c, 0x54, 0x45, 0xff, 0xff, 0xff, 0x35, 0x84, 0xe4, 0x8f, 0xea, 0x8f, 0x2b, 0x00, 0x00, 0x00,
  0x33, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x60, 0x60, 0x60, 0xe0, 0x2b, 0x60, 0x90, 0xab, 0x60, 0xb0,
  0xab, 0x61, 0xa8, 0xab, 0x63, 0xa8, 0xb1, 0x63, 0xa8, 0x90, 0x63, 0xf8, 0x21, 0x0f, 0x42, 0x40, 0x06, 0x90,
  0x5b, 0xff, 0x8f, 0xc1, 0xfe, 0x0f, 0x83, 0xfc, 0x0f, 0x06, 0xfe, 0x0f, 0x0c, 0x8c, 0x0d, 0x00, 0x0b, 0x8e,
  0x0c, 0xe8, 0x34, 0x6b, 0xa0, 0x18, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
};

static int
show_image (struct collet_call *call)
{
  collet_add_text (call, "A collet, seen from the front:");
  collet_add_image (call, picture, sizeof picture, "image/png");
  return COLLET_OK;
}

static void
put_little_endian (unsigned char *where, uint32_t value, size_t size)
{
  for (size_t i = 0; i < size; i++)
    where[i] = (unsigned char)(value >> (8 * i));
}

static int
play_audio (struct collet_call *call)
{
  unsigned char wav[HEADER + SAMPLES] = "RIFF....WAVEfmt ";

  put_little_endian (wav + 4, HEADER - 8 + SAMPLES, 4);
  put_little_endian (wav + 16, 16, 4);   /* size of what follows up to "data" */
  put_little_endian (wav + 20, 1, 2);    /* PCM */
  put_little_endian (wav + 22, 1, 2);    /* mono */
  put_little_endian (wav + 24, RATE, 4); /* samples a second */
  put_little_endian (wav + 28, RATE, 4); /* bytes a second */
  put_little_endian (wav + 32, 1, 2);    /* bytes a sample */
  put_little_endian (wav + 34, 8, 2);    /* bits a sample */
  memcpy (wav + 36, "data", 4);
  put_little_endian (wav + 40, SAMPLES, 4);
  /* A square wave of 500 Hz, not loud. */
  for (size_t i = 0; i < SAMPLES; i++)
    wav[HEADER + i] = i / 8 % 2 == 0 ? 112 : 144;

  collet_add_audio (call, wav, sizeof wav, "audio/wav");
  return COLLET_OK;
}

/* The client may read it later, by the address. */
static int
link_resource (struct collet_call *call)
{
  collet_add_resource_link (call, "https://www.rfc-editor.org/rfc/rfc8259.txt", "rfc8259.txt", "RFC 8259",
                            "The JavaScript Object Notation (JSON) Data Interchange Format", "text/plain");
  return COLLET_OK;
}

/* The client gets it at once. */
static int
embed_text (struct collet_call *call)
{
  collet_add_resource_text (call, "collet://gallery/poem.txt", "text/plain",
                            "It holds a tool, it lets it go,\nand those who call it never know.\n");
  return COLLET_OK;
}

static int
embed_blob (struct collet_call *call)
{
  collet_add_resource_blob (call, "collet://gallery/collet.png", "image/png", picture, sizeof picture);
  return COLLET_OK;
}

/* Matches the outputSchema in the manifest; the host adds it as text as well. */
static int
give_structured (struct collet_call *call)
{
  collet_set_structured (
      call, "{\"shape\":\"ring\",\"diameter_mm\":16,\"slots\":3,\"materials\":[\"steel\",\"bronze\"]}");
  return COLLET_OK;
}

/* Which of these the client sees is up to the level it asked for. */
static int
write_log (struct collet_call *call)
{
  collet_call_log (call, COLLET_LEVEL_DEBUG, "looking closely");
  collet_call_log (call, COLLET_LEVEL_INFO, "all is well");
  collet_call_log (call, COLLET_LEVEL_WARNING, "the gallery closes soon");
  collet_call_log (call, COLLET_LEVEL_ERROR, "the lights went out");
  collet_add_text (call, "four messages were logged");
  return COLLET_OK;
}

/* What ties this call to the lines in the daemon's log; pass it on to other services. */
static int
show_trace (struct collet_call *call)
{
  const char *trace = collet_trace (call);

  collet_add_text (call, trace != NULL ? trace : "none");
  return COLLET_OK;
}

/* An error of the tool: the model reads it and can try something else. */
static int
give_error (struct collet_call *call)
{
  return collet_call_fail (call, "this tool always fails, to show what that looks like");
}

static const struct
{
  const char *tool;
  int (*run) (struct collet_call *call);
} tools[] = {
  { "show_image", show_image }, { "play_audio", play_audio }, { "link_resource", link_resource },
  { "embed_text", embed_text }, { "embed_blob", embed_blob }, { "give_structured", give_structured },
  { "write_log", write_log },   { "show_trace", show_trace }, { "give_error", give_error },
};

static int
run_tool (void *instance, const char *tool, struct collet_call *call)
{
  (void)instance;
  for (size_t i = 0; i < sizeof tools / sizeof tools[0]; i++)
    if (strcmp (tool, tools[i].tool) == 0)
      return tools[i].run (call);
  return collet_call_fail (call, "no such tool");
}

COLLET_MODULE (.call = run_tool);
