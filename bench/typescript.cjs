// SPDX-License-Identifier: LGPL-2.1-or-later
//
// typescript.cjs PACKAGES KIND: serves the calculator's "add" with the official
// TypeScript SDK, answering in JSON, on a free port of 127.0.0.1, which it prints.
// KIND: v1 (sessions, 2025-11-25) or v2 (2026-07-28).

'use strict'

const http = require('node:http')
const path = require('node:path')
const { randomUUID } = require('node:crypto')
const { createRequire } = require('node:module')

const [packages, kind] = process.argv.slice(2)
console.warn = () => {} // that JSON mode drops notifications is known
const load = createRequire(path.join(packages, 'package.json'))
const z = load('zod')

function makeServer (McpServer) {
  const server = new McpServer({ name: 'calculator', version: '1.0.0' })
  const numbers = { a: z.number(), b: z.number() }
  const sum = { result: z.number() }
  server.registerTool('add', {
    title: 'Add',
    description: 'Adds two numbers',
    inputSchema: kind === 'v1' ? numbers : z.object(numbers),
    outputSchema: kind === 'v1' ? sum : z.object(sum)
  }, async ({ a, b }) => {
    const value = { result: a + b }
    return { content: [{ type: 'text', text: JSON.stringify(value) }], structuredContent: value }
  })
  return server
}

// One transport a session, as its documentation shows it.
function withSessions () {
  const { McpServer } = load('@modelcontextprotocol/sdk/server/mcp.js')
  const { StreamableHTTPServerTransport } = load('@modelcontextprotocol/sdk/server/streamableHttp.js')
  const sessions = new Map()

  return async (request, response) => {
    let transport = sessions.get(request.headers['mcp-session-id'])
    if (!transport) {
      transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        enableJsonResponse: true,
        onsessioninitialized: id => sessions.set(id, transport)
      })
      await makeServer(McpServer).connect(transport)
    }
    await transport.handleRequest(request, response)
  }
}

function withoutSessions () {
  const { McpServer, createMcpHandler } = load('@modelcontextprotocol/server')
  const { getRequestListener } = load('@hono/node-server')
  const handler = createMcpHandler(() => makeServer(McpServer), { responseMode: 'json' })

  return getRequestListener(request => handler.fetch(request))
}

const server = http.createServer(kind === 'v1' ? withSessions() : withoutSessions())
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
