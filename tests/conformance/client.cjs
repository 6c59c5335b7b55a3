// SPDX-License-Identifier: LGPL-2.1-or-later
//
// client.cjs PACKAGES KIND ADDRESS: uses every feature of the tools by an official
// client, then calls one again and again until a line comes on standard input.
// Prints what happened as JSON. KIND: sdk-1 (v1), or v2 as "legacy", "auto" or
// "modern" (pinned). ADDRESS: a URL, or the path of a socket: then the client starts
// COLLET_STDIO and speaks with that.

'use strict'

const path = require('node:path')
const { createRequire } = require('node:module')

const [packages, kind, address] = process.argv.slice(2)
const load = createRequire(path.join(packages, 'package.json'))
const IN_FLIGHT = 4
const CAPABILITIES = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }

const seen = { kind, errors: [], calls: 0, wrong: 0, changes: 0, versions: {}, asked: [], progress: [], logs: 0 }

function answerForm (request) {
  seen.asked.push(request.params.message)
  const names = Object.keys(request.params.requestedSchema.properties)
  return { action: 'accept', content: names[0] === 'people' ? { people: 4 } : { sure: true } }
}

function answerModel () {
  seen.asked.push('model')
  return { role: 'assistant', model: 'none', content: { type: 'text', text: 'Poppy' } }
}

function answerRoots () {
  seen.asked.push('roots')
  return { roots: [{ uri: 'file:///home/ada', name: 'ada' }] }
}

function open (Http, Stdio) {
  if (address.startsWith('/')) return new Stdio({ command: process.env.COLLET_STDIO, args: ['--socket', address] })
  return new Http(new URL(address))
}

async function connect () {
  const info = { name: 'collet-test', version: '1' }
  if (kind === 'sdk-1') {
    const { Client } = load('@modelcontextprotocol/sdk/client/index.js')
    const { StreamableHTTPClientTransport } = load('@modelcontextprotocol/sdk/client/streamableHttp.js')
    const { StdioClientTransport } = load('@modelcontextprotocol/sdk/client/stdio.js')
    const types = load('@modelcontextprotocol/sdk/types.js')
    const client = new Client(info, { capabilities: CAPABILITIES })
    client.setRequestHandler(types.ElicitRequestSchema, answerForm)
    client.setRequestHandler(types.CreateMessageRequestSchema, answerModel)
    client.setRequestHandler(types.ListRootsRequestSchema, answerRoots)
    client.setNotificationHandler(types.ToolListChangedNotificationSchema, () => { seen.changes++ })
    client.setNotificationHandler(types.LoggingMessageNotificationSchema, () => { seen.logs++ })
    await client.connect(open(StreamableHTTPClientTransport, StdioClientTransport))
    await client.setLoggingLevel('info')
    return client
  }
  const { Client, StreamableHTTPClientTransport } = load('@modelcontextprotocol/client')
  const { StdioClientTransport } = load('@modelcontextprotocol/client/stdio')
  const client = new Client(info, {
    capabilities: CAPABILITIES,
    versionNegotiation: { mode: kind === 'modern' ? { pin: '2026-07-28' } : kind },
    listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: () => { seen.changes++ } } }
  })
  client.setRequestHandler('elicitation/create', answerForm)
  client.setRequestHandler('sampling/createMessage', answerModel)
  client.setRequestHandler('roots/list', answerRoots)
  await client.connect(open(StreamableHTTPClientTransport, StdioClientTransport))
  return client
}

async function call (client, name, args, options) {
  const params = { name, arguments: args ?? {} }
  return kind === 'sdk-1' ? client.callTool(params, undefined, options) : client.callTool(params, options)
}

async function text (client, name, args) {
  return (await call(client, name, args)).content[0].text
}

// What each kind of tool gives; the driver looks at it.
async function features (client) {
  seen.tools = (await client.listTools()).tools.map(tool => tool.name)
  seen.table = await text(client, 'book_table', { restaurant: 'Chez Collet' })
  seen.color = await text(client, 'name_color', { rgb: '#ff0000' })
  seen.folders = await text(client, 'list_folders')
  seen.kinds = []
  for (const tool of ['show_image', 'play_audio', 'link_resource', 'embed_text', 'embed_blob']) {
    seen.kinds.push((await call(client, tool)).content.at(-1).type)
  }
  seen.structured = (await call(client, 'give_structured')).structuredContent
  seen.failed = (await call(client, 'give_error')).isError
  await call(client, 'write_log')
  await call(client, 'countdown', { from: 3, interval_ms: 20 }, { onprogress: step => seen.progress.push(step.progress) })
  const refused = await call(client, 'add', { a: 'one', b: 2 })
  seen.refused = refused.isError && refused.content[0].text.includes('/a')
  // Cancelled by the client; the driver sees that nothing runs on.
  const abort = new AbortController()
  const slow = call(client, 'countdown', { from: 50, interval_ms: 100 }, { signal: abort.signal })
  setTimeout(() => abort.abort(), 100)
  seen.aborted = await slow.then(() => false, () => true)
}

async function work (client, base) {
  for (let i = 0; !seen.stop; i++) {
    const result = await call(client, 'add', { a: base, b: i })
    seen.calls++
    if (result.isError || result.structuredContent.result !== base + i) seen.wrong++
    const version = result._meta['org.collet/version']
    seen.versions[version] = (seen.versions[version] ?? 0) + 1
  }
}

async function main () {
  process.stdin.once('data', () => { seen.stop = true })
  const client = await connect()
  client.onerror = error => {
    // Over stdio, v1 looks at a notification after the answer that came with it.
    if (address.startsWith('/') && String(error).includes('progress notification for an unknown token')) return
    seen.errors.push(String(error))
  }
  seen.protocol = client.getNegotiatedProtocolVersion?.()
  await features(client)
  console.log('ready')
  await Promise.all(Array.from({ length: IN_FLIGHT }, (_, n) => work(client, 1000000 * n)))
  await client.close()
  console.log(JSON.stringify(seen))
  process.exit(0)
}

main().catch(error => {
  seen.errors.push(String(error?.stack ?? error))
  console.log('failed')
  console.log(JSON.stringify(seen))
  process.exit(1)
})
