/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-registry-module.h"

struct _ColletModule
{
  GObject parent_instance;
  ColletModuleFacts *facts;
};

G_DEFINE_FINAL_TYPE (ColletModule, collet_module, G_TYPE_OBJECT)

static guint changed_signal;

void
collet_module_facts_free (ColletModuleFacts *facts)
{
  g_free (facts->name);
  g_clear_pointer (&facts->version, collet_version_unref);
  g_clear_pointer (&facts->manifest, collet_manifest_unref);
  g_clear_pointer (&facts->target, collet_call_target_unref);
  g_clear_pointer (&facts->grace, collet_grace_unref);
  g_free (facts->previous);
  g_free (facts->host);
  g_free (facts);
}

static void
collet_module_finalize (GObject *object)
{
  ColletModule *self = COLLET_MODULE (object);

  collet_module_facts_free (self->facts);
  G_OBJECT_CLASS (collet_module_parent_class)->finalize (object);
}

static void
collet_module_class_init (ColletModuleClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = collet_module_finalize;
  changed_signal =
      g_signal_new ("changed", COLLET_TYPE_MODULE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
collet_module_init (ColletModule *self)
{
}

ColletModule *
collet_module_new (ColletModuleFacts *facts)
{
  ColletModule *self = g_object_new (COLLET_TYPE_MODULE, NULL);

  self->facts = facts;
  return self;
}

const ColletModuleFacts *
collet_module_get_facts (ColletModule *self)
{
  return self->facts;
}

const char *
collet_module_get_name (ColletModule *self)
{
  return self->facts->name;
}

void
collet_module_set_facts (ColletModule *self, ColletModuleFacts *facts)
{
  g_return_if_fail (g_str_equal (facts->name, self->facts->name));

  collet_module_facts_free (self->facts);
  self->facts = facts;
}

void
collet_module_emit_changed (ColletModule *self)
{
  g_signal_emit (self, changed_signal, 0);
}
