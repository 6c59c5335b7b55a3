/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs a fuzz target without libFuzzer: every file of the folders given, then
 * mutations of them, the same ones each time. COLLET_FUZZ_RUNS says how many.
 *
 * When the target crashes, the input is written to the file that the message
 * names.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define DEFAULT_RUNS 60000
#define MAX_SIZE 65536

/* What parsers are likely to trip over. */
static const char *const tokens[] = {
  "\"",
  "\\",
  "\\u0000",
  "\\ud800",
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "null",
  "true",
  "-0",
  "1e400",
  "1e-400",
  "0.1",
  "\"\"",
  "{}",
  "[]",
  "\xff",
  "\xc0\x80",
  "\xed\xa0\x80",
  "9223372036854775808",
  "\"$ref\":\"#\"",
  "\"allOf\":[{}]",
  "\"type\":\"object\"",
};

static GByteArray *current; /* what the target is given, for the crash handler */
static const char *crash_name = "collet-fuzz-crash";
static guint64 random_state = G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

static guint
next_random (guint below)
{
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return below > 0 ? (guint)(random_state >> 33) % below : 0;
}

static void
on_crash (int number)
{
  static const char message[] = "fuzz: the target died; its input is in the file collet-fuzz-crash\n";
  int fd = open (crash_name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

  if (fd < 0 || write (fd, current->data, current->len) < 0 ||
      write (STDERR_FILENO, message, sizeof message - 1) < 0)
    _exit (3);
  signal (number, SIG_DFL);
  raise (number);
}

static void
insert_bytes (GByteArray *data, guint at, const guint8 *bytes, guint size)
{
  guint tail = data->len - at;

  g_byte_array_set_size (data, data->len + size);
  memmove (data->data + at + size, data->data + at, tail);
  memcpy (data->data + at, bytes, size);
}

static void
mutate_once (GByteArray *data, const GPtrArray *seeds)
{
  guint at = next_random (data->len + 1), left = data->len - at;
  guint chance = next_random (64), size = MIN (left, 1 + chance % 16);
  const char *token = tokens[next_random (G_N_ELEMENTS (tokens))];
  g_autofree guint8 *copy = g_memdup2 (data->data + at, size);
  GBytes *other = seeds->pdata[next_random (seeds->len)];
  gsize other_size, other_at;
  const guint8 *other_data = g_bytes_get_data (other, &other_size);

  switch (next_random (6))
    {
    case 0: /* another byte */
      if (left > 0)
        data->data[at] = next_random (256);
      break;
    case 1: /* a bit */
      if (left > 0)
        data->data[at] ^= 1 << next_random (8);
      break;
    case 2: /* some bytes less */
      if (size > 0)
        g_byte_array_remove_range (data, at, size);
      break;
    case 3: /* some bytes again */
      for (guint n = 1 + next_random (8); size > 0 && n > 0 && data->len < MAX_SIZE; n--)
        insert_bytes (data, at, copy, size);
      break;
    case 4: /* a token */
      insert_bytes (data, at, (const guint8 *)token, strlen (token));
      break;
    default: /* a piece of another seed */
      other_at = next_random (other_size + 1);
      insert_bytes (data, at, other_data + other_at, MIN (other_size - other_at, chance));
      break;
    }
}

static void
run_target (void)
{
  /* An exact copy, so that a byte read behind the end is noticed. */
  g_autofree guint8 *data = g_memdup2 (current->data, current->len);

  LLVMFuzzerTestOneInput (data, current->len);
}

static int
compare_paths (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

static void
read_folder (GPtrArray *seeds, const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  g_assert_nonnull (folder);
  while ((name = g_dir_read_name (folder)) != NULL)
    g_ptr_array_add (names, g_build_filename (path, name, NULL));
  g_ptr_array_sort (names, compare_paths);
  for (guint i = 0; i < names->len; i++)
    {
      char *text;
      gsize size;
      if (g_file_get_contents (names->pdata[i], &text, &size, NULL) && size <= MAX_SIZE)
        g_ptr_array_add (seeds, g_bytes_new_take (text, size));
    }
}

int
main (int argc, char **argv)
{
  g_autoptr (GPtrArray) seeds = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  const char *wanted = g_getenv ("COLLET_FUZZ_RUNS");
  guint64 runs = wanted != NULL ? g_ascii_strtoull (wanted, NULL, 10) : DEFAULT_RUNS;

  for (int i = 1; i < argc; i++)
    read_folder (seeds, argv[i]);
  if (seeds->len == 0)
    {
      fprintf (stderr, "fuzz: no seeds; give folders that have some\n");
      return 2;
    }
  current = g_byte_array_new ();
  signal (SIGSEGV, on_crash);
  signal (SIGABRT, on_crash);
  for (guint64 i = 0; i < seeds->len + runs; i++)
    {
      GBytes *seed = seeds->pdata[i < seeds->len ? i : next_random (seeds->len)];
      gsize size;
      const guint8 *data = g_bytes_get_data (seed, &size);
      g_byte_array_set_size (current, 0);
      g_byte_array_append (current, data, size);
      for (guint n = i < seeds->len ? 0 : 1 + next_random (6); n > 0; n--)
        mutate_once (current, seeds);
      run_target ();
    }
  g_byte_array_unref (current);
  printf ("%u seeds, %" G_GUINT64_FORMAT " mutations\n", seeds->len, runs);
  return 0;
}
