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

test('who names no address is reached from this machine only', async () => {
  const listener = await nodeNet.listen({ port: 0 }, () => {})
  equal(listener.address.host, '127.0.0.1')
  await listener.close()
})

test('what the system refuses has its code', async () => {
  // An address of the documentation's (RFC 5737): no machine has it.
  await rejects(
    nodeNet.listen({ host: '192.0.2.1', port: 0 }, () => {}),
    { code: 'EADDRNOTAVAIL' },
  )
  // Of a reserved domain (RFC 6761): without a resolver at hand the answer is that it did not answer.
  await rejects(nodeNet.connect({ host: 'nowhere.invalid', port: 1 }), ({ code }: NodeJS.ErrnoException) =>
    ['ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT'].includes(code ?? ''),
  )
})
