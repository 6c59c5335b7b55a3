/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * bare-handler: answers tools/call at once in the HTTP thread. What HTTP alone
 * costs on this machine.
 */
#include "collet-bare-server.h"

static gboolean
answer (BareRequest *request, gpointer user_data)
{
  request->reply = bare_answer (request->body->str, request->body->len, &request->reply_size);
  return request->reply != NULL;
}

int
main (int argc, char **argv)
{
  int port = 0, threads = 1;

  if (!bare_options_parse (&argc, &argv, "A bare HTTP handler, to measure beside Collet.", &port, &threads))
    return 2;
  return bare_server_run ((guint)port, (guint)threads, answer, NULL);
}
