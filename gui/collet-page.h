/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-page.h: what every page of the window is. A page about one thing has a
 * key, the name of that thing.
 */
#pragma once

#include <adwaita.h>

#include "collet-service.h"

G_BEGIN_DECLS

#define COLLET_TYPE_PAGE (collet_page_get_type ())
G_DECLARE_DERIVABLE_TYPE (ColletPage, collet_page, COLLET, PAGE, AdwBin)

struct _ColletPageClass
{
  AdwBinClass parent_class;
  /* Once, when there is a service. */
  void (*set_service) (ColletPage *self, ColletService *service);
  /* The page is about another thing now; may be NULL. */
  void (*set_key) (ColletPage *self, const char *key);
  /* It is shown, or the daemon came back: what is not kept up to date by itself is
   * read. May be NULL. */
  void (*refresh) (ColletPage *self);
  /* Where Ctrl+F goes; NULL: nowhere. */
  GtkWidget *(*get_search) (ColletPage *self);
};

/* Strings, with notification: what the header bar says. */
void collet_page_set_title (ColletPage *self, const char *title, const char *subtitle);
const char *collet_page_get_title (ColletPage *self);
const char *collet_page_get_subtitle (ColletPage *self);

void collet_page_set_service (ColletPage *self, ColletService *service);
ColletService *collet_page_get_service (ColletPage *self);
void collet_page_set_key (ColletPage *self, const char *key);
const char *collet_page_get_key (ColletPage *self);
void collet_page_refresh (ColletPage *self);
GtkWidget *collet_page_get_search (ColletPage *self);

/* Of what is asked for the present key; cancelled when it changes and when the
 * page goes. Borrowed. */
GCancellable *collet_page_get_cancellable (ColletPage *self);

G_END_DECLS
