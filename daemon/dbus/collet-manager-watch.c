/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Folders that are watched.
 */
#include "collet-manager-methods.h"

#include "collet-bus-rows.h"
#include "collet-error-remedy.h"
#include "collet-manager-object.h"

static void
watch_folder (gpointer object, ColletBusCall *call)
{
  ColletWatches *watches = collet_manager_object_get_watches (object);
  ColletWatchOptions watch = { .uid = call->uid };
  g_autoptr (GVariant) options = NULL;
  const char *folder;
  const char *host = NULL;
  gboolean enable = TRUE;
  GError *error = NULL;
  gboolean ok;

  g_variant_get (call->parameters, "(&s@a{sv})", &folder, &options);
  g_variant_lookup (options, "enable", "b", &enable);
  g_variant_lookup (options, "allow-breaking", "b", &watch.allow_breaking);
  g_variant_lookup (options, "discard-state", "b", &watch.discard_state);
  g_variant_lookup (options, "host", "&s", &host);
  watch.host = (char *)host; /* copied */
  ok = enable ? collet_watches_add (watches, folder, &watch, &error)
              : collet_watches_remove (watches, folder, &error);
  if (ok)
    collet_bus_call_return (call, NULL);
  else
    collet_bus_call_fail (call, error);
}

/* What the one module of a reload became. */
static void
add_item (GVariantBuilder *row, ColletReload *reload)
{
  const ColletReloadItem *item = collet_reload_get_items (reload)->pdata[0];

  collet_bus_row_add (row, "reload", collet_reload_get_id (reload));
  collet_bus_row_add (row, "module", item->module);
  collet_bus_row_add (row, "from", item->from != NULL ? item->from->sha256 : NULL);
  collet_bus_row_add (row, "from-version", item->from != NULL ? item->from->semver : NULL);
  collet_bus_row_add (row, "to", item->to != NULL ? item->to->sha256 : NULL);
  collet_bus_row_add (row, "to-version", item->to != NULL ? item->to->semver : NULL);
  collet_bus_row_add (row, "verdict", item->verdict);
  g_variant_builder_add (row, "{sv}", "pause-us", g_variant_new_int64 (item->pause_us));
}

void
collet_manager_watch_report (ColletWatches *watches, const ColletWatchReport *report, gpointer manager)
{
  g_autoptr (GError) error =
      report->error != NULL ? collet_error_add_remedy (g_error_copy (report->error)) : NULL;
  GVariantBuilder row;

  g_variant_builder_init (&row, G_VARIANT_TYPE_VARDICT);
  collet_bus_row_add (&row, "state", report->state);
  collet_bus_row_add (&row, "error-name", error != NULL ? collet_error_name_of (error) : NULL);
  collet_bus_row_add (&row, "error-message", error != NULL ? error->message : NULL);
  if (report->reload != NULL)
    add_item (&row, report->reload);
  collet_dbus_manager_emit_watch_report (manager, report->folder, report->file, g_variant_builder_end (&row));
}

const ColletBusMethod collet_manager_watch_methods[] = {
  { "WatchFolder", watch_folder },
  { NULL, NULL },
};
