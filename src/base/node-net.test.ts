import { equal, rejects } from 'node:assert/strict'
import { Server } from 'node:net'
import { test } from 'node:test'
import { systemClock } from './clock.ts'
import { netConformance } from './net-conformance.test-support.ts'
import { loopback } from './net.ts'
import { nodeNet } from './node-net.ts'

const make = async () => ({
  server: nodeNet,
  client: nodeNet,
  host: loopback,
  pass: (ms: number) => systemClock.sleep(ms),
  dispose: () => Promise.resolve(),
})
for (const { name, run } of netConformance(make)) test(name, run)

test('listens on this machine only, unless an address is given', async () => {
  const listener = await nodeNet.listen({ port: 0 }, () => {})
  equal(listener.address.host, '127.0.0.1')
  await listener.close()
})

test('a connection that cannot be accepted does not end the process', async context => {
  const listening = context.mock.method(Server.prototype, 'listen')
  const listener = await nodeNet.listen({ port: 0 }, () => {})
  context.after(() => listener.close())
  const server = listening.mock.calls[0]!.this as Server
  for (let n = 0; n < 3; n += 1) server.emit('error', Object.assign(new Error('accept'), { code: 'EMFILE' }))
  const connection = await nodeNet.connect(listener.address)
  connection.destroy()
})

test("reports the system's code", async () => {
  // An address for documentation (RFC 5737), which no machine has.
  await rejects(
    nodeNet.listen({ host: '192.0.2.1', port: 0 }, () => {}),
    { code: 'EADDRNOTAVAIL' },
  )
  // A name of a reserved domain (RFC 6761). Without a resolver the error is that the resolver did not answer.
  await rejects(nodeNet.connect({ host: 'nowhere.invalid', port: 1 }), ({ code }: NodeJS.ErrnoException) =>
    ['ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT'].includes(code ?? ''),
  )
})
