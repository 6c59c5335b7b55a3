/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-confinement.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collet-landlock.h"
#include "collet-process.h"
#include "collet-refusals.h"
#include "collet-seccomp.h"

/* Which folder a rule is about: rules hold on to the folder, not to its name. */
struct identity
{
  dev_t device;
  ino_t inode; /* 0: there is none */
};

struct collet_confinement
{
  const char *const *readable;
  unsigned n_readable;
  struct collet_user user;
  pid_t server;
  bool allow_unconfined;
  struct identity *identities; /* as of the rulesets */
  bool has_rulesets;
  int rulesets[2]; /* by `network`; -1: none */
  struct collet_filter *filters[2];
};

struct collet_confinement *
collet_confinement_new (const char *const *readable, unsigned n_readable, const struct collet_user *user,
                        bool allow_unconfined)
{
  struct collet_confinement *self = calloc (1, sizeof *self);

  if (self == NULL)
    return NULL;
  self->readable = readable;
  self->n_readable = n_readable;
  self->user = *user;
  self->server = getpid ();
  self->allow_unconfined = allow_unconfined;
  self->rulesets[0] = self->rulesets[1] = -1;
  self->identities = calloc (n_readable + 1, sizeof *self->identities);
  if (self->identities == NULL)
    {
      free (self);
      return NULL;
    }
  return self;
}

static void
drop_rulesets (struct collet_confinement *self)
{
  for (unsigned i = 0; i < 2; i++)
    {
      if (self->rulesets[i] >= 0)
        close (self->rulesets[i]);
      self->rulesets[i] = -1;
    }
  self->has_rulesets = false;
}

void
collet_confinement_free (struct collet_confinement *self)
{
  if (self == NULL)
    return;
  drop_rulesets (self);
  for (unsigned i = 0; i < 2; i++)
    collet_filter_free (self->filters[i]);
  free (self->identities);
  free (self);
}

static struct identity
identify (const char *path)
{
  struct stat info;

  if (stat (path, &info) < 0)
    return (struct identity){ 0, 0 };
  return (struct identity){ info.st_dev, info.st_ino };
}

/* Notes which folders there are now; false if that is news. */
static bool
note_identities (struct collet_confinement *self)
{
  bool is_same = true;

  for (unsigned i = 0; i < self->n_readable; i++)
    {
      struct identity now = identify (self->readable[i]);

      if (now.device != self->identities[i].device || now.inode != self->identities[i].inode)
        is_same = false;
      self->identities[i] = now;
    }
  return is_same;
}

static bool
prepare_rulesets (struct collet_confinement *self, struct collet_failure *failure)
{
  bool is_same = note_identities (self);

  if (self->has_rulesets && is_same)
    return true;
  drop_rulesets (self);
  if (self->allow_unconfined && collet_landlock_get_version () == 0)
    return true;
  for (unsigned i = 0; i < 2; i++)
    {
      self->rulesets[i] = collet_landlock_make_ruleset (self->readable, self->n_readable, i == 1, failure);
      if (self->rulesets[i] < 0)
        {
          drop_rulesets (self);
          return false;
        }
    }
  self->has_rulesets = true;
  return true;
}

bool
collet_confinement_prepare (struct collet_confinement *self, struct collet_failure *failure)
{
  for (unsigned i = 0; i < 2; i++)
    {
      if (self->filters[i] == NULL)
        self->filters[i] = collet_filter_new (i == 1, failure);
      if (self->filters[i] == NULL)
        return false;
    }
  return prepare_rulesets (self, failure);
}

int
collet_confinement_get_ruleset (const struct collet_confinement *self, bool network)
{
  return self->rulesets[network];
}

const char *
collet_confinement_hold (const struct collet_confinement *self, const char *path, char *name)
{
  return collet_user_hold (&self->user, path, name);
}

bool
collet_confinement_enter (const struct collet_confinement *self, bool network, const struct collet_gate *gate,
                          const struct collet_limits *limits, struct collet_failure *failure)
{
  int listener_fd = -1;

  if (!collet_user_become (&self->user, self->server, failure) || !collet_process_limit (limits, failure))
    return false;
  if (self->has_rulesets && !collet_landlock_enter (gate->ruleset_fd, failure))
    return false;
  if (gate->ruleset_fd >= 0)
    close (gate->ruleset_fd);
  if (!collet_filter_enter (self->filters[network], gate->post_fd >= 0 ? &listener_fd : NULL, failure))
    return false;
  if (listener_fd >= 0)
    collet_refusals_post (gate->post_fd, listener_fd);
  if (gate->post_fd >= 0)
    close (gate->post_fd);
  return true;
}
