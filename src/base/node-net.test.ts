import { equal, rejects } from 'node:assert/strict'
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
