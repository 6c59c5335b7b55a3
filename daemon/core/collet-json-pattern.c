/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "collet-json-pattern.h"

#include <pcre2.h>
#include <string.h>

#include "collet-error.h"

/* Of backtracking: what a search may cost, in steps times bytes. */
#define MAX_WORK 20000000
#define MAX_STEPS 20000
#define MIN_STEPS 50
#define FEW_STEPS 2000 /* before the one pass is better */
#define MAX_HEAP_KIB 20000
/* Up to here backtracking is tried first, since it is quicker to begin. */
#define SHORT_TEXT 1024
/* Of the one pass: room for some 600 possibilities side by side. */
#define WORKSPACE 4096

struct _ColletJsonPattern
{
  char *source;
  pcre2_code *code;
  gboolean is_regular; /* one pass over the text is enough: no looking around, no going back */
};

typedef struct
{
  const char *p, *end;
  GString *out;
  gboolean in_class;
  gboolean after_quantifier;
  gboolean is_regular;
  GError **error;
} Translator;

/* What goes between brackets for \d, \w, \s and their opposites. */
#define DIGIT "0-9"
#define NOT_DIGIT "\\x{0}-\\x{2f}\\x{3a}-\\x{10ffff}"
#define WORD "0-9A-Z_a-z"
#define NOT_WORD "\\x{0}-\\x{2f}\\x{3a}-\\x{40}\\x{5b}-\\x{5e}\\x{60}\\x{7b}-\\x{10ffff}"
#define SPACE                                                                                                \
  "\\x{9}-\\x{d}\\x{20}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"     \
  "\\x{feff}"
#define NOT_SPACE                                                                                            \
  "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}"        \
  "\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}"

static gboolean
refuse (Translator *t, const char *what)
{
  g_set_error (t->error, COLLET_ERROR, COLLET_ERROR_INVALID_SCHEMA, "%s is not part of an ECMA-262 pattern",
               what);
  return FALSE;
}

static void
append_set (Translator *t, const char *ranges)
{
  if (t->in_class)
    g_string_append (t->out, ranges);
  else
    g_string_append_printf (t->out, "[%s]", ranges);
}

/* The digits of \uXXXX or \u{X...}; p is behind the u. */
static gboolean
read_code_point (Translator *t, gunichar *c)
{
  const char *p = t->p;
  gboolean is_braced = p < t->end && *p == '{';
  guint n_digits = 0, max_digits = is_braced ? 6 : 4;

  *c = 0;
  p += is_braced;
  for (; p < t->end && n_digits < max_digits && g_ascii_isxdigit (*p); p++, n_digits++)
    *c = *c << 4 | (gunichar)g_ascii_xdigit_value (*p);
  if (is_braced ? n_digits == 0 || p >= t->end || *p++ != '}' : n_digits != 4)
    return refuse (t, "\\u without its digits");
  t->p = p;
  return TRUE;
}

static gboolean
translate_unicode (Translator *t)
{
  gunichar c, low;

  if (!read_code_point (t, &c))
    return FALSE;
  if (c >= 0xd800 && c <= 0xdbff && t->end - t->p >= 6 && t->p[0] == '\\' && t->p[1] == 'u')
    {
      t->p += 2;
      if (!read_code_point (t, &low))
        return FALSE;
      if (low < 0xdc00 || low > 0xdfff)
        return refuse (t, "half a pair of surrogates");
      c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
  if (!g_unichar_validate (c))
    return refuse (t, "\\u with a number that is no character");
  g_string_append_printf (t->out, "\\x{%x}", c);
  return TRUE;
}

/* \p{...} and \P{...}: PCRE knows the short names of categories and the names of
 * scripts. */
static gboolean
translate_property (Translator *t, char letter)
{
  static const struct
  {
    const char *name, *pcre;
  } names[] = {
    { "Letter", "L" },
    { "Cased_Letter", "L&" },
    { "Uppercase_Letter", "Lu" },
    { "Lowercase_Letter", "Ll" },
    { "Titlecase_Letter", "Lt" },
    { "Modifier_Letter", "Lm" },
    { "Other_Letter", "Lo" },
    { "Mark", "M" },
    { "Number", "N" },
    { "Decimal_Number", "Nd" },
    { "digit", "Nd" },
    { "Letter_Number", "Nl" },
    { "Other_Number", "No" },
    { "Punctuation", "P" },
    { "punct", "P" },
    { "Symbol", "S" },
    { "Separator", "Z" },
    { "Space_Separator", "Zs" },
    { "Other", "C" },
    { "Control", "Cc" },
    { "cntrl", "Cc" },
  };
  const char *close = t->p < t->end && *t->p == '{' ? memchr (t->p, '}', t->end - t->p) : NULL;
  g_autofree char *name = NULL;
  const char *value;

  if (close == NULL)
    return refuse (t, "\\p without a name in braces");
  name = g_strndup (t->p + 1, close - t->p - 1);
  if (name[strspn (name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_=")] != '\0')
    return refuse (t, "\\p with such a name");
  value = strchr (name, '=') != NULL ? strchr (name, '=') + 1 : name;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (value, names[i].name) == 0)
      value = names[i].pcre;
  g_string_append_printf (t->out, "\\%c{%s}", letter, value);
  t->p = close + 1;
  return TRUE;
}

/* \k<name>, \cA, \x41 and back-references go on as they are. */
static gboolean
translate_other_escape (Translator *t, char c)
{
  switch (c)
    {
    case 'b':
      g_string_append (t->out, t->in_class ? "\\x{8}" : "\\b");
      return TRUE;
    case 'v':
      g_string_append (t->out, "\\x{b}");
      return TRUE;
    case '0':
      if (t->p < t->end && g_ascii_isdigit (*t->p))
        return refuse (t, "an octal escape");
      g_string_append (t->out, "\\x{0}");
      return TRUE;
    case 'c':
      if (t->p >= t->end || !g_ascii_isalpha (*t->p))
        return refuse (t, "\\c without a letter");
      g_string_append_printf (t->out, "\\x{%x}", *t->p++ & 31);
      return TRUE;
    case 'x':
      if (t->end - t->p < 2 || !g_ascii_isxdigit (t->p[0]) || !g_ascii_isxdigit (t->p[1]))
        return refuse (t, "\\x without two digits");
      g_string_append_printf (t->out, "\\x{%c%c}", t->p[0], t->p[1]);
      t->p += 2;
      return TRUE;
    case 'k':
      if (t->in_class || t->p >= t->end || *t->p != '<')
        return refuse (t, "\\k without a name");
      t->is_regular = FALSE;
      g_string_append (t->out, "\\k");
      return TRUE;
    case 'B':
      if (t->in_class)
        return refuse (t, "\\B in a class");
      g_string_append (t->out, "\\B");
      return TRUE;
    case 'f':
    case 'n':
    case 'r':
    case 't':
      g_string_append_printf (t->out, "\\%c", c);
      return TRUE;
    default:
      if (g_ascii_isalpha (c) || (g_ascii_isdigit (c) && t->in_class))
        return refuse (t, "an escape of such a letter");
      if (g_ascii_isdigit (c))
        t->is_regular = FALSE;
      if ((guchar)c < 0x80)
        g_string_append_c (t->out, '\\');
      g_string_append_c (t->out, c);
      return TRUE;
    }
}

static gboolean
translate_escape (Translator *t)
{
  static const struct
  {
    char letter;
    const char *ranges;
  } sets[] = { { 'd', DIGIT },    { 'D', NOT_DIGIT }, { 'w', WORD },
               { 'W', NOT_WORD }, { 's', SPACE },     { 'S', NOT_SPACE } };
  char c;

  if (++t->p >= t->end)
    return refuse (t, "a backslash at the end");
  c = *t->p++;
  for (guint i = 0; i < G_N_ELEMENTS (sets); i++)
    if (sets[i].letter == c)
      {
        append_set (t, sets[i].ranges);
        return TRUE;
      }
  if (c == 'u')
    return translate_unicode (t);
  if (c == 'p' || c == 'P')
    return translate_property (t, c);
  return translate_other_escape (t, c);
}

static gboolean
open_class (Translator *t)
{
  if (g_str_has_prefix (t->p, "[]"))
    {
      g_string_append (t->out, "(?!)"); /* nothing matches */
      t->p += 2;
      return TRUE;
    }
  if (g_str_has_prefix (t->p, "[^]"))
    {
      g_string_append (t->out, "(?s:.)"); /* everything does */
      t->p += 3;
      return TRUE;
    }
  t->in_class = TRUE;
  g_string_append_c (t->out, *t->p++);
  if (*t->p == '^')
    g_string_append_c (t->out, *t->p++);
  return TRUE;
}

static gboolean
open_group (Translator *t)
{
  static const char *const kinds[] = { "(?:", "(?=", "(?!", "(?<=", "(?<!" };

  if (g_str_has_prefix (t->p, "(*"))
    return refuse (t, "(*");
  if (g_str_has_prefix (t->p, "(?"))
    {
      gboolean is_known = g_str_has_prefix (t->p, "(?<") && (g_ascii_isalpha (t->p[3]) || t->p[3] == '_');
      for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
        is_known |= g_str_has_prefix (t->p, kinds[i]);
      if (!is_known)
        return refuse (t, "a group of such a kind");
      if (!g_str_has_prefix (t->p, "(?:"))
        t->is_regular = t->is_regular && g_str_has_prefix (t->p, "(?<") && t->p[3] != '=' && t->p[3] != '!';
      g_string_append (t->out, "(?");
      t->p += 2;
      return TRUE;
    }
  g_string_append_c (t->out, *t->p++);
  return TRUE;
}

static gboolean
translate_class_character (Translator *t)
{
  char c = *t->p;

  if (c == '\\')
    return translate_escape (t);
  t->p++;
  if (c == '[')
    g_string_append_c (t->out, '\\'); /* or PCRE sees [:alpha:] */
  else if (c == ']')
    t->in_class = FALSE;
  g_string_append_c (t->out, c);
  return TRUE;
}

static gboolean
translate_character (Translator *t)
{
  char c = *t->p;

  if (c == '+' && t->after_quantifier)
    return refuse (t, "a possessive quantifier");
  t->after_quantifier = strchr ("*+?}", c) != NULL && !t->after_quantifier;
  switch (c)
    {
    case '\\':
      return translate_escape (t);
    case '[':
      return open_class (t);
    case '(':
      if (!open_group (t))
        return FALSE;
      t->after_quantifier = FALSE;
      return TRUE;
    case '.':
      g_string_append (t->out, "[^\\n\\r\\x{2028}\\x{2029}]");
      t->p++;
      return TRUE;
    default:
      g_string_append_c (t->out, c);
      t->p++;
      return TRUE;
    }
}

/* The text is NUL-terminated and holds no other NUL, so looking a character
 * ahead is safe. */
static gboolean
translate (const char *source, GString *out, gboolean *is_regular, GError **error)
{
  Translator t = {
    .p = source, .end = source + strlen (source), .out = out, .is_regular = TRUE, .error = error
  };

  while (t.p < t.end)
    if (!(t.in_class ? translate_class_character (&t) : translate_character (&t)))
      return FALSE;
  *is_regular = t.is_regular;
  return TRUE;
}

static pcre2_code *
compile (const GString *text, GError **error)
{
  int number;
  PCRE2_SIZE offset;
  PCRE2_UCHAR reason[128];
  pcre2_code *code =
      pcre2_compile ((PCRE2_SPTR)text->str, text->len,
                     PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, &number, &offset, NULL);

  if (code != NULL)
    return code;
  pcre2_get_error_message (number, reason, sizeof reason);
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_SCHEMA, "not a valid pattern: %s",
               (const char *)reason);
  return NULL;
}

ColletJsonPattern *
collet_json_pattern_new (const char *text, gsize size, GError **error)
{
  g_autoptr (ColletJsonPattern) pattern = g_new0 (ColletJsonPattern, 1);
  /* One attempt that itself steps over the text, instead of PCRE's one attempt
   * for each place: limits count for an attempt. */
  g_autoptr (GString) out = g_string_new ("\\A(?s:.*?)(?:");

  if (size > COLLET_JSON_PATTERN_MAX_SIZE)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_SCHEMA,
                   "a pattern of %" G_GSIZE_FORMAT " bytes, at most %d are accepted", size,
                   COLLET_JSON_PATTERN_MAX_SIZE);
      return NULL;
    }
  pattern->source = g_strndup (text, size);
  if (!translate (pattern->source, out, &pattern->is_regular, error))
    return NULL;
  g_string_append_c (out, ')');
  pattern->code = compile (out, error);
  return pattern->code != NULL ? g_steal_pointer (&pattern) : NULL;
}

void
collet_json_pattern_free (ColletJsonPattern *pattern)
{
  if (pattern == NULL)
    return;
  g_free (pattern->source);
  pcre2_code_free (pattern->code);
  g_free (pattern);
}

static ColletJsonPatternResult
result_of (int matches)
{
  if (matches >= 0)
    return COLLET_JSON_PATTERN_MATCH;
  return matches == PCRE2_ERROR_NOMATCH ? COLLET_JSON_PATTERN_NO_MATCH : COLLET_JSON_PATTERN_GAVE_UP;
}

/* Goes back and tries again: quick for what is short, but what it costs can grow
 * with any power of the size. A step may go over the whole text, so their number
 * is less for a longer one. */
static ColletJsonPatternResult
search_backtracking (const ColletJsonPattern *pattern, const char *text, gsize size, pcre2_match_data *data)
{
  pcre2_match_context *context = pcre2_match_context_create (NULL);
  int matches;

  pcre2_set_match_limit (context, pattern->is_regular ? FEW_STEPS
                                                      : CLAMP (MAX_WORK / (size + 1), MIN_STEPS, MAX_STEPS));
  pcre2_set_heap_limit (context, MAX_HEAP_KIB);
  matches = pcre2_match (pattern->code, (PCRE2_SPTR)text, size, 0, PCRE2_NO_UTF_CHECK, data, context);
  pcre2_match_context_free (context);
  return result_of (matches);
}

/* Follows all possibilities side by side: one pass, whatever the text. */
static ColletJsonPatternResult
search_one_pass (const ColletJsonPattern *pattern, const char *text, gsize size, pcre2_match_data *data)
{
  int workspace[WORKSPACE];

  return result_of (pcre2_dfa_match (pattern->code, (PCRE2_SPTR)text, size, 0,
                                     PCRE2_NO_UTF_CHECK | PCRE2_DFA_SHORTEST, data, NULL, workspace,
                                     WORKSPACE));
}

ColletJsonPatternResult
collet_json_pattern_search (const ColletJsonPattern *pattern, const char *text, gsize size)
{
  pcre2_match_data *data = pcre2_match_data_create (1, NULL);
  ColletJsonPatternResult result = COLLET_JSON_PATTERN_GAVE_UP;

  if (size <= SHORT_TEXT || !pattern->is_regular)
    result = search_backtracking (pattern, text, size, data);
  if (result == COLLET_JSON_PATTERN_GAVE_UP && pattern->is_regular)
    result = search_one_pass (pattern, text, size, data);
  pcre2_match_data_free (data);
  return result;
}

guint64
collet_json_pattern_get_cost (const ColletJsonPattern *pattern, gsize size)
{
  if (pattern->is_regular && size <= SHORT_TEXT)
    return 50 + size / 8;
  return 200 + size / 8 + (guint64)size * strlen (pattern->source) / 1024;
}

const char *
collet_json_pattern_get_source (const ColletJsonPattern *pattern)
{
  return pattern->source;
}
