/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-detail-page.h: a page about one thing of a list of the service. It finds
 * the thing by the page's key, follows it while it changes, and has rows of facts.
 */
#pragma once

#include "collet-page.h"

G_BEGIN_DECLS

#define COLLET_TYPE_DETAIL_PAGE (collet_detail_page_get_type ())
G_DECLARE_DERIVABLE_TYPE (ColletDetailPage, collet_detail_page, COLLET, DETAIL_PAGE, ColletPage)

struct _ColletDetailPageClass
{
  ColletPageClass parent_class;
  ColletServiceList list;
  /* Whether the last that was found stays when the list no longer has it. */
  gboolean keeps_item;
  /* item: how it is now; NULL: there is none of that name. */
  void (*update) (ColletDetailPage *self, ColletItem *item);
};

/* Borrowed; NULL if there is none. */
ColletItem *collet_detail_page_get_item (ColletDetailPage *self);
/* What is shown until the list has it: a record of it. */
void collet_detail_page_set_item (ColletDetailPage *self, ColletItem *item);

/* What was answered, rows, in the place of what the group had; if there are none it is not seen.
 * FALSE: it was cancelled, and the page may be gone, which is why group is looked at only after. */
gboolean collet_detail_page_fill (gpointer self, AdwPreferencesGroup **group, GAsyncResult *result,
                                  GtkWidget *(*make) (gpointer self, ColletItem *row));

/* names: not translated yet. Once. */
void collet_detail_page_add_facts (ColletDetailPage *self, AdwPreferencesGroup *group,
                                   const char *const *names, guint n_names);
/* An empty value hides its row; the second takes it. */
void collet_detail_page_set_fact (ColletDetailPage *self, guint fact, const char *value);
void collet_detail_page_take_fact (ColletDetailPage *self, guint fact, char *value);
void collet_detail_page_set_number (ColletDetailPage *self, guint fact, const char *name);

G_END_DECLS
