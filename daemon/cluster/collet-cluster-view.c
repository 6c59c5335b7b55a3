/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-cluster-view.h"

struct _ColletClusterView
{
  char *cluster;
  GTree *rows; /* key to Row */
  gint64 loaded;
  gint64 revision;
  GPtrArray *gone; /* Row: removed since an audit began; NULL: none is under way */
  ColletClusterViewChanged changed;
  gpointer changed_data;
};

typedef struct
{
  char *key;
  ColletKeyKind kind; /* COLLET_N_KEYS: none of ours; it is only counted */
  char *a;
  char *b; /* or NULL */
  gint64 create_rev;
  gint64 mod_rev;
  gint64 removed_rev;
  gpointer record; /* NULL: not readable */
} Row;

static void
row_free (gpointer data)
{
  Row *row = data;

  if (row->kind < COLLET_N_KEYS)
    collet_cluster_record_free (row->kind, row->record);
  g_free (row->key);
  g_free (row->a);
  g_free (row->b);
  g_free (row);
}

static int
compare_keys (gconstpointer a, gconstpointer b, gpointer data)
{
  return g_strcmp0 (a, b);
}

static GTree *
new_rows (void)
{
  return g_tree_new_full (compare_keys, NULL, NULL, row_free);
}

ColletClusterView *
collet_cluster_view_new (const char *cluster)
{
  ColletClusterView *self = g_new0 (ColletClusterView, 1);

  self->cluster = g_strdup (cluster);
  self->rows = new_rows ();
  return self;
}

void
collet_cluster_view_free (ColletClusterView *self)
{
  g_tree_unref (self->rows);
  g_clear_pointer (&self->gone, g_ptr_array_unref);
  g_free (self->cluster);
  g_free (self);
}

void
collet_cluster_view_set_changed (ColletClusterView *self, ColletClusterViewChanged changed,
                                 gpointer user_data)
{
  self->changed = changed;
  self->changed_data = user_data;
}

static void
tell (ColletClusterView *self, const Row *row)
{
  if (self->changed != NULL && row->kind < COLLET_N_KEYS)
    self->changed (row->kind, row->a, row->b, self->changed_data);
}

static gboolean
tell_gone (gpointer key, gpointer value, gpointer data)
{
  tell (data, value);
  return FALSE;
}

static void
put (ColletClusterView *self, const ColletKeyValue *value)
{
  Row *row = g_new0 (Row, 1);

  if (!collet_cluster_key_parse (self->cluster, value->key, &row->kind, &row->a, &row->b))
    row->kind = COLLET_N_KEYS;
  row->key = g_strdup (value->key);
  row->create_rev = value->create_rev;
  row->mod_rev = value->mod_rev;
  if (row->kind < COLLET_N_KEYS)
    row->record = collet_cluster_record_read (row->kind, value->value);
  if (row->kind < COLLET_N_KEYS && row->record == NULL)
    g_warning ("The cluster's key %s has a value that makes no sense here; it is passed over.", value->key);
  g_tree_replace (self->rows, row->key, row);
  tell (self, row);
}

void
collet_cluster_view_clear (ColletClusterView *self)
{
  g_autoptr (GTree) old = self->rows;

  self->rows = new_rows ();
  g_clear_pointer (&self->gone, g_ptr_array_unref);
  self->loaded = 0;
  self->revision = 0;
  g_tree_foreach (old, tell_gone, self);
}

void
collet_cluster_view_load (ColletClusterView *self, GPtrArray *rows, gint64 revision)
{
  g_autoptr (GTree) old = self->rows;

  self->rows = new_rows ();
  g_clear_pointer (&self->gone, g_ptr_array_unref);
  self->loaded = revision;
  self->revision = revision;
  for (guint i = 0; i < rows->len; i++)
    {
      const ColletKeyValue *value = rows->pdata[i];
      Row *known = g_tree_lookup (old, value->key);

      if (known != NULL && known->mod_rev == value->mod_rev)
        {
          g_tree_steal (old, known->key);
          g_tree_insert (self->rows, known->key, known);
        }
      else
        put (self, value);
    }
  g_tree_foreach (old, tell_gone, self);
}

void
collet_cluster_view_apply (ColletClusterView *self, const ColletKeyValue *change)
{
  Row *row = g_tree_lookup (self->rows, change->key);

  if (change->mod_rev <= self->loaded || (row != NULL && row->mod_rev >= change->mod_rev))
    return;
  self->revision = MAX (self->revision, change->mod_rev);
  if (change->value != NULL)
    {
      put (self, change);
      return;
    }
  if (row == NULL)
    return;
  g_tree_steal (self->rows, change->key);
  tell (self, row);
  row->removed_rev = change->mod_rev;
  if (self->gone != NULL)
    g_ptr_array_add (self->gone, row);
  else
    row_free (row);
}

/* ---- audit ---- */

void
collet_cluster_view_begin_audit (ColletClusterView *self)
{
  g_clear_pointer (&self->gone, g_ptr_array_unref);
  self->gone = g_ptr_array_new_with_free_func (row_free);
}

static gboolean
is_of (const Row *row, gint64 revision)
{
  return row->create_rev <= revision && (row->removed_rev == 0 || row->removed_rev > revision);
}

typedef struct
{
  gint64 revision;
  gint64 n;
} Count;

static gboolean
count_row (gpointer key, gpointer value, gpointer data)
{
  Count *count = data;

  count->n += is_of (value, count->revision) ? 1 : 0;
  return FALSE;
}

/* The key was there at that revision, by what this view was told. */
static gboolean
was_there (const ColletClusterView *self, const char *key, gint64 revision)
{
  const Row *row = g_tree_lookup (self->rows, key);

  if (row != NULL && is_of (row, revision))
    return TRUE;
  for (guint i = 0; i < self->gone->len; i++)
    {
      row = self->gone->pdata[i];
      if (g_str_equal (row->key, key) && is_of (row, revision))
        return TRUE;
    }
  return FALSE;
}

/* Keys at that revision: those this view was told of, and those of `changed`. */
static gint64
count_at (const ColletClusterView *self, GPtrArray *changed, gint64 revision)
{
  Count count = { revision, 0 };

  g_tree_foreach (self->rows, count_row, &count);
  for (guint i = 0; i < self->gone->len; i++)
    count_row (NULL, self->gone->pdata[i], &count);
  for (guint i = 0; i < changed->len; i++)
    count.n += was_there (self, ((ColletKeyValue *)changed->pdata[i])->key, revision) ? 0 : 1;
  return count.n;
}

static gboolean
is_removed_since (const ColletClusterView *self, const ColletKeyValue *value)
{
  for (guint i = 0; i < self->gone->len; i++)
    {
      const Row *row = self->gone->pdata[i];

      if (row->removed_rev > value->mod_rev && g_str_equal (row->key, value->key))
        return TRUE;
    }
  return FALSE;
}

/* Of what was whole once, a key is missing only if it was told to be removed, and
 * one that was put since is in `changed`. So no key of the store is missing here,
 * and there is none too many if they are as many. */
gboolean
collet_cluster_view_end_audit (ColletClusterView *self, GPtrArray *changed, gint64 count, gint64 revision)
{
  gboolean is_whole = count_at (self, changed, revision) == count;

  for (guint i = 0; is_whole && i < changed->len; i++)
    {
      const ColletKeyValue *value = changed->pdata[i];

      if (!is_removed_since (self, value))
        collet_cluster_view_apply (self, value);
    }
  if (is_whole)
    {
      self->loaded = MAX (self->loaded, revision);
      self->revision = MAX (self->revision, revision);
    }
  g_clear_pointer (&self->gone, g_ptr_array_unref);
  return is_whole;
}

const char *
collet_cluster_view_get_cluster (const ColletClusterView *self)
{
  return self->cluster;
}

gint64
collet_cluster_view_get_revision (const ColletClusterView *self)
{
  return self->revision;
}

static const Row *
find (const ColletClusterView *self, ColletKeyKind kind, const char *a, const char *b)
{
  g_autofree char *key = collet_cluster_key (self->cluster, kind, a, b);

  return g_tree_lookup (self->rows, key);
}

gconstpointer
collet_cluster_view_get (const ColletClusterView *self, ColletKeyKind kind, const char *a, const char *b)
{
  const Row *row = find (self, kind, a, b);

  return row != NULL ? row->record : NULL;
}

gint64
collet_cluster_view_get_mod_rev (const ColletClusterView *self, ColletKeyKind kind, const char *a,
                                 const char *b)
{
  const Row *row = find (self, kind, a, b);

  return row != NULL ? row->mod_rev : 0;
}

const char *
collet_cluster_view_get_lock (const ColletClusterView *self, const char *module)
{
  return collet_cluster_view_get (self, COLLET_KEY_LOCK, module, NULL);
}

const ColletDesired *
collet_cluster_view_get_desired (const ColletClusterView *self, const char *module)
{
  return collet_cluster_view_get (self, COLLET_KEY_DESIRED, module, NULL);
}

const ColletSpec *
collet_cluster_view_get_spec (const ColletClusterView *self, const char *txid)
{
  return collet_cluster_view_get (self, COLLET_KEY_SPEC, txid, NULL);
}

const ColletVote *
collet_cluster_view_get_vote (const ColletClusterView *self, const char *txid, const char *node)
{
  return collet_cluster_view_get (self, COLLET_KEY_VOTE, txid, node);
}

const ColletDecision *
collet_cluster_view_get_decision (const ColletClusterView *self, const char *txid)
{
  return collet_cluster_view_get (self, COLLET_KEY_DECISION, txid, NULL);
}

const ColletApplied *
collet_cluster_view_get_applied (const ColletClusterView *self, const char *module, const char *node)
{
  return collet_cluster_view_get (self, COLLET_KEY_APPLIED, module, node);
}

const ColletOverride *
collet_cluster_view_get_override (const ColletClusterView *self, const char *module, const char *node)
{
  return collet_cluster_view_get (self, COLLET_KEY_OVERRIDE, module, node);
}

gboolean
collet_cluster_view_is_live (const ColletClusterView *self, const char *node)
{
  return collet_cluster_view_get (self, COLLET_KEY_LIVE, node, NULL) != NULL;
}

void
collet_cluster_view_foreach (const ColletClusterView *self, ColletKeyKind kind, const char *a,
                             ColletClusterViewFunc func, gpointer user_data)
{
  g_autofree char *prefix = collet_cluster_key_prefix (self->cluster, kind, a);

  for (GTreeNode *node = g_tree_lower_bound (self->rows, prefix); node != NULL;
       node = g_tree_node_next (node))
    {
      const Row *row = g_tree_node_value (node);

      if (!g_str_has_prefix (row->key, prefix))
        return;
      if (row->kind == kind && row->record != NULL)
        func (row->a, row->b, row->record, user_data);
    }
}

static void
add_name (const char *a, const char *b, gconstpointer record, gpointer user_data)
{
  GPtrArray *names = user_data;

  if (names->len == 0 || !g_str_equal (names->pdata[names->len - 1], a))
    g_ptr_array_add (names, (gpointer)a);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
collet_cluster_view_list (const ColletClusterView *self, ColletKeyKind kind)
{
  GPtrArray *names = g_ptr_array_new ();

  collet_cluster_view_foreach (self, kind, NULL, add_name, names);
  g_ptr_array_sort (names, compare_names); /* escaped keys sort otherwise */
  return names;
}
