/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * mcp-kit.h: a server over fake tools, and short ways to ask it.
 */
#pragma once

#include "collet-mcp-server.h"
#include "fake-exchange.h"
#include "fake-tools.h"

G_BEGIN_DECLS

#define KIT_LEGACY "Content-Type: application/json\nAccept: application/json, text/event-stream\n"
#define KIT_MODERN_VERSION "MCP-Protocol-Version: 2026-07-28\n"
#define KIT_META_OPEN                                                                                        \
  "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                                   \
  "\"io.modelcontextprotocol/clientCapabilities\":{}"
#define KIT_META KIT_META_OPEN "}"

typedef struct
{
  FakeTools *tools;
  ColletMcpServer *server;
  char *session; /* id, of kit_initialize */
} Kit;

/* `config` may be NULL; the directory is filled in. */
Kit *kit_new (const ColletMcpConfig *config);
void kit_free (Kit *kit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Kit, kit_free)

void kit_initialize (Kit *kit, const char *revision);
/* `capabilities`: members, without braces. */
void kit_initialize_with (Kit *kit, const char *revision, const char *capabilities);

/* Runs it; does not wait. */
FakeExchange *kit_send (Kit *kit, const char *method, const char *headers, const char *body);
/* POST in the session of kit_initialize. */
FakeExchange *kit_legacy (Kit *kit, const char *body);
/* POST of a request with id 7 and the headers that belong to it. `params`:
 * members, without braces, or "". */
FakeExchange *kit_modern (Kit *kit, const char *method, const char *params);
void kit_lose (Kit *kit, FakeExchange *exchange);

/* Waits for the answer and checks that it holds `text`. */
void kit_assert (FakeExchange *exchange, guint status, const char *text);

G_END_DECLS
