/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-cluster-member.h"

#include <string.h>

#include <glib/gi18n.h>

#include "collet-human.h"
#include "collet-input.h"

#define MAX_TOKEN 4096

/* A method without a reply; `text` for people, "name": value for programs. */
static ColletExit
change (ColletCtl *ctl, const char *method, GVariant *arguments, const char *name, const char *value,
        const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = collet_ctl_call (ctl, method, arguments, "()", &error);

  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  if (ctl->json)
    collet_ctl_print_json (name, g_variant_new_string (value));
  else
    g_print ("%s\n", text);
  return COLLET_EXIT_OK;
}

static ColletExit
init (ColletCtl *ctl, const char *name, const ColletClusterMemberOptions *given)
{
  const char *const none[] = { NULL };
  const char *const *endpoints = given->endpoints != NULL ? (const char *const *)given->endpoints : none;
  g_autofree char *text = g_strdup_printf (_ ("This node is the first of cluster \"%s\". Let others in with "
                                              "\"colletctl cluster token\"."),
                                           name);
  GVariantBuilder options;

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&options, "{sv}", "endpoints", g_variant_new_strv (endpoints, -1));
  return change (ctl, "InitCluster", g_variant_new ("(sa{sv})", name, &options), "cluster", name, text);
}

/* The token alone on standard output, so that it can be piped to where it is needed. */
static ColletExit
make_token (ColletCtl *ctl, const ColletClusterMemberOptions *given)
{
  g_autoptr (GError) error = NULL;
  GVariantBuilder options;
  const char *token;
  gint64 expires_at;

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  if (given->expiry_s >= 0)
    g_variant_builder_add (&options, "{sv}", "expiry-s", g_variant_new_uint32 ((guint32)given->expiry_s));
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "CreateJoinToken", g_variant_new ("(a{sv})", &options), "(sx)", &error);
  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  g_variant_get (reply, "(&sx)", &token, &expires_at);
  if (ctl->json)
    {
      GVariantBuilder row;

      g_variant_builder_init (&row, G_VARIANT_TYPE_VARDICT);
      g_variant_builder_add (&row, "{sv}", "token", g_variant_new_string (token));
      g_variant_builder_add (&row, "{sv}", "expires-at", g_variant_new_int64 (expires_at));
      collet_ctl_print_json ("join", g_variant_builder_end (&row));
      return COLLET_EXIT_OK;
    }
  g_autofree char *until = collet_human_dup_time (expires_at);
  g_print ("%s\n", token);
  g_printerr (_ ("For one node, until %s: colletctl cluster join URL TOKEN\n"), until);
  return COLLET_EXIT_OK;
}

/* "-": its first line on standard input, so that no list of processes shows it. */
static char *
dup_token (const char *argument, GError **error)
{
  char *text;

  if (strcmp (argument, "-") != 0)
    return g_strdup (argument);
  text = collet_input_read (MAX_TOKEN, error);
  if (text != NULL)
    text[strcspn (text, "\r\n")] = '\0';
  return text;
}

static ColletExit
join (ColletCtl *ctl, const char *url, const char *argument, const ColletClusterMemberOptions *given)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *token = dup_token (argument, &error);
  const char *cluster;
  GVariantBuilder options;

  if (token == NULL)
    return collet_ctl_fail (ctl, error);
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  if (given->name != NULL)
    g_variant_builder_add (&options, "{sv}", "node", g_variant_new_string (given->name));
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "JoinCluster", g_variant_new ("(ssa{sv})", url, token, &options), "(s)", &error);
  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  g_variant_get (reply, "(&s)", &cluster);
  if (ctl->json)
    collet_ctl_print_json ("cluster", g_variant_new_string (cluster));
  else
    g_print (
        _ ("This node is in cluster \"%s\". See how it comes into line with \"colletctl cluster matrix\".\n"),
        cluster);
  return COLLET_EXIT_OK;
}

static ColletExit
leave (ColletCtl *ctl, const ColletClusterMemberOptions *given)
{
  GVariantBuilder options;

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  if (given->force)
    g_variant_builder_add (&options, "{sv}", "force", g_variant_new_boolean (TRUE));
  return change (ctl, "LeaveCluster", g_variant_new ("(a{sv})", &options), "state", "alone",
                 _ ("This node goes on alone, with what it runs."));
}

static ColletExit
remove_node (ColletCtl *ctl, const char *node)
{
  g_autofree char *text = g_strdup_printf (_ ("\"%s\" is no longer on the roster."), node);

  return change (ctl, "RemoveNode", g_variant_new ("(sa{sv})", node, NULL), "removed", node, text);
}

gboolean
collet_cluster_member_run (ColletCtl *ctl, char **arguments, const ColletClusterMemberOptions *options,
                           ColletExit *exit)
{
  guint n = g_strv_length (arguments);
  const char *what = arguments[0];

  if (n == 2 && g_str_equal (what, "init"))
    *exit = init (ctl, arguments[1], options);
  else if (n == 1 && g_str_equal (what, "token"))
    *exit = make_token (ctl, options);
  else if (n == 3 && g_str_equal (what, "join"))
    *exit = join (ctl, arguments[1], arguments[2], options);
  else if (n == 1 && g_str_equal (what, "leave"))
    *exit = leave (ctl, options);
  else if (n == 2 && g_str_equal (what, "remove"))
    *exit = remove_node (ctl, arguments[1]);
  else
    return FALSE;
  return TRUE;
}
