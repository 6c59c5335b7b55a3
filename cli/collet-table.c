/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-table.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <glib/gi18n.h>

#define GAP 2

typedef struct
{
  char *text;
  ColletPaint paint;
  guint width;
} Cell;

struct _ColletTable
{
  guint n_columns;
  GArray *cells; /* Cell; the headings are the first row */
  gboolean *right;
};

static void
clear_cell (gpointer data)
{
  g_free (((Cell *)data)->text);
}

guint
collet_table_measure (const char *text)
{
  guint width = 0;

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      if (!g_unichar_iszerowidth (c))
        width += g_unichar_iswide (c) ? 2 : 1;
    }
  return width;
}

ColletTable *
collet_table_new (const char *first, ...)
{
  ColletTable *self = g_new0 (ColletTable, 1);
  g_autoptr (GPtrArray) headings = g_ptr_array_new ();
  va_list list;

  va_start (list, first);
  for (const char *text = first; text != NULL; text = va_arg (list, const char *))
    g_ptr_array_add (headings, (gpointer)text);
  va_end (list);

  self->n_columns = headings->len;
  self->right = g_new0 (gboolean, headings->len);
  self->cells = g_array_new (FALSE, FALSE, sizeof (Cell));
  g_array_set_clear_func (self->cells, clear_cell);
  for (guint i = 0; i < headings->len; i++)
    {
      const char *text = _ (g_ptr_array_index (headings, i));
      self->right[i] = *text == '>';
      collet_table_add (self, g_strdup (text + (self->right[i] ? 1 : 0)), COLLET_PAINT_BOLD);
    }
  return self;
}

void
collet_table_free (ColletTable *self)
{
  g_array_unref (self->cells);
  g_free (self->right);
  g_free (self);
}

void
collet_table_add (ColletTable *self, char *text, ColletPaint paint)
{
  g_autofree char *given = text != NULL ? text : g_strdup ("-");
  char *safe = collet_style_dup_safe (given);

  Cell cell = { safe, paint, collet_table_measure (safe) };
  g_array_append_val (self->cells, cell);
}

void
collet_table_add_copy (ColletTable *self, const char *text)
{
  collet_table_add (self, g_strdup (text), COLLET_PAINT_NONE);
}

void
collet_table_add_state (ColletTable *self, const char *state)
{
  collet_table_add (self, g_strdup (state), collet_style_of_state (state));
}

/* At most `width` columns of the text, with a mark where it was cut. */
static char *
dup_cut (const char *text, guint width)
{
  const char *mark = collet_style_is_utf8 () ? "…" : ".";
  guint used = 0;
  const char *p;

  if (collet_table_measure (text) <= width)
    return g_strdup (text);
  for (p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      guint more = g_unichar_iswide (g_utf8_get_char (p)) ? 2 : 1;
      if (used + more + 1 > width)
        break;
      used += more;
    }
  return g_strdup_printf ("%.*s%s", (int)(p - text), text, mark);
}

static guint *
measure_columns (ColletTable *self)
{
  guint *widths = g_new0 (guint, self->n_columns);

  for (guint i = 0; i < self->cells->len; i++)
    {
      const Cell *cell = &g_array_index (self->cells, Cell, i);
      widths[i % self->n_columns] = MAX (widths[i % self->n_columns], cell->width);
    }
  return widths;
}

static void
append_cell (GString *line, const Cell *cell, const char *text, guint pad, gboolean right, gboolean is_last)
{
  g_autofree char *space = g_strnfill (pad, ' ');

  g_string_append_printf (line, "%s%s%s%s%s", right ? space : "", collet_style_begin (cell->paint, FALSE),
                          text, collet_style_end (cell->paint, FALSE), right || is_last ? "" : space);
  if (!is_last)
    g_string_append (line, "  ");
}

static void
print_row (ColletTable *self, guint row, const guint *widths, guint terminal)
{
  g_autoptr (GString) line = g_string_new (NULL);
  guint used = 0;

  for (guint i = 0; i < self->n_columns; i++)
    {
      const Cell *cell = &g_array_index (self->cells, Cell, row * self->n_columns + i);
      gboolean is_last = i + 1 == self->n_columns;
      guint limit = is_last && terminal > used + 8 ? terminal - used : G_MAXUINT;
      g_autofree char *text = dup_cut (cell->text, limit);

      append_cell (line, cell, text, widths[i] - cell->width, self->right[i], is_last);
      used += widths[i] + GAP;
    }
  g_strchomp (line->str);
  g_print ("%s\n", line->str);
}

void
collet_table_print (ColletTable *self)
{
  guint n_rows = self->cells->len / self->n_columns;
  g_autofree guint *widths = measure_columns (self);
  guint terminal = collet_style_get_width (STDOUT_FILENO);

  for (guint row = 0; n_rows > 1 && row < n_rows; row++)
    print_row (self, row, widths, terminal);
}
