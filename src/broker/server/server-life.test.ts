/** The life of a server: where it listens, whom it admits, and how it ends. */
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { forSeeds } from '../../../test/for-seeds.ts'
import { isMillraceError, nodeNet, systemClock } from '../../base/index.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { messages, requestFrame, type RequestInput } from '../../wire/index.ts'
import { errorCodes } from '../handlers/error-codes.ts'
import { checkLoopback, listeningFailed, parseAddress } from './listen-address.ts'
import { batchOf, startTestServer } from './server.test-support.ts'
import { startSimulatedServer } from './simulated-server.test-support.ts'

const { apiVersions, fetch, produce } = messages

function fetchFrom(fetchOffset: number, maxWaitMs: number): RequestInput<typeof fetch> {
  return {
    maxWaitMs,
    minBytes: 1,
    topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 24 }] }],
  }
}

function produceTo(topic: string, records: Uint8Array): RequestInput<typeof produce> {
  return {
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
  }
}

test('a server that closes answers what waits; the log continues, and another server takes its port', async context => {
  const { port, log, server, connect } = await startTestServer(context)
  await log.createTopic('orders')
  const client = await connect()
  const waiting = client.ask(fetch, 11, fetchFrom(0, 60_000))
  const idle = await connect()
  // The request is being handled once another one was answered.
  await (await connect()).ask(apiVersions, 0, {})
  const closing = [server.close(), server.close()]
  equal((await waiting).responses[0]!.partitions[0]!.errorCode, errorCodes.NONE)
  await Promise.all(closing)
  equal(server.connections, 0)
  equal(await client.frame(), undefined)
  equal(await idle.frame(), undefined)
  await rejects(nodeNet.connect(server.address), { code: 'ECONNREFUSED' })

  const again = await port.listen({ net: nodeNet, address: { port: server.address.port } })
  deepEqual(again.address, server.address)
  await again.close()
  ok(await log.describeTopic('orders'))
})

test(
  'the end of a server does not wait for a peer that does not read',
  { timeout: 60_000 },
  async context => {
    const clock = virtualClock()
    const { log, server, connect } = await startTestServer(context, { clock })
    await log.createTopic('orders')
    const client = await connect()
    const records = batchOf(Array.from({ length: 500 }, () => 'x'.repeat(10_000)))
    for (let n = 0; n < 4; n += 1)
      await client.ask(produce, 9, {
        acks: -1,
        timeoutMs: 1000,
        topicData: [{ name: 'orders', partitionData: [{ index: 0, records }] }],
      })
    const deaf = await nodeNet.connect(server.address)
    for (let id = 0; id < 40; id += 1)
      await deaf.write(requestFrame(fetch, 11, id, 'deaf', { ...fetchFrom(0, 0), maxBytes: 1 << 24 }))
    await setTimeout(50)
    const closing = server.close()
    // A wait that is over early must not keep the process of the tests.
    const isClosedWithin = (ms: number): Promise<boolean> =>
      Promise.race([closing.then(() => true), setTimeout(ms, false, { ref: false })])
    try {
      equal(await isClosedWithin(50), false)
      await clock.advance(5001)
      equal(await isClosedWithin(30_000), true)
    } finally {
      deaf.destroy()
    }
  },
)

test('what was done when a server ends is answered', () =>
  forSeeds(
    400,
    async random => {
      const t = await startSimulatedServer(undefined, { random, net: { latencyMsMax: 20 } })
      await t.until(t.log.createTopic('orders'))
      const client = await t.connect()
      const answer = client.ask(produce, 9, produceTo('orders', batchOf(['a']))).catch(() => undefined)
      await t.clock.advance(random.int(60))
      await t.until(t.server.close())
      const answered = (await t.until(answer)) !== undefined
      const isDone = (await t.until(t.log.port.offsets('orders', 0, 'latest'))) === 1
      if (isDone) equal(answered, true)
      await t.until(t.port.close())
      return isDone
    },
    results => deepEqual(new Set(results), new Set([true, false])),
  ))

test('a long list that is in progress when a server ends is done and answered', async context => {
  const { connect, server } = await startTestServer(context)
  const client = await connect()
  const groupsNames = Array.from({ length: 5000 }, (_, n) => `${n}`)
  const deletion = client.ask(messages.deleteGroups, 2, { groupsNames })
  // The list is in progress once another request was answered.
  await (await connect()).ask(apiVersions, 0, {})
  const closing = server.close()
  equal((await deletion).results.length, groupsNames.length)
  await closing
})

test('a server of a log that closes meanwhile does not stay', async context => {
  const { port } = await startTestServer(context)
  const listening = port.listen({ net: nodeNet, address: { port: 0 } })
  const refused = rejects(listening, error => isMillraceError(error, 'CLOSED'))
  await port.close()
  await refused
  await rejects(port.listen({ net: nodeNet, address: { port: 0 } }), error =>
    isMillraceError(error, 'CLOSED'),
  )
})

test('an address in use, or of another machine, is refused with what to do', async context => {
  const { port, server } = await startTestServer(context)
  const listen = (host: string, at: number): Promise<unknown> =>
    port.listen({ net: nodeNet, address: { host, port: at } })
  await rejects(listen('127.0.0.1', server.address.port), error => {
    ok(isMillraceError(error, 'ADDRESS_IN_USE'))
    match(error.message, new RegExp(`127.0.0.1:${server.address.port} is in use: end the process`))
    return true
  })
  // An address for documentation (RFC 5737), which no machine has.
  await rejects(listen('192.0.2.1', 0), error => isMillraceError(error, 'ADDRESS_UNAVAILABLE'))
  const denied = Object.assign(new Error('denied'), { code: 'EACCES' })
  const error = listeningFailed(denied, { host: '::1', port: 80 })
  ok(isMillraceError(error, 'ADDRESS_UNAVAILABLE'))
  match(error.message, /\[::1\]:80.*above 1023/)
  const unknown = new Error('a bug')
  equal(listeningFailed(unknown, { port: 0 }), unknown)
})

test('connections past the limit are refused, and told once', async context => {
  const limits = { connectionsMax: 3, connectionsPerHostMax: 2 }
  const { connect, errors, server } = await startTestServer(context, { limits })
  const [first, second] = [await connect(), await connect()]
  await first.ask(apiVersions, 0, {})
  await second.ask(apiVersions, 0, {})
  for (let n = 0; n < 3; n += 1) {
    const third = await connect()
    equal(await third.frame().catch(() => undefined), undefined)
  }
  equal(errors.length, 1)
  ok(isMillraceError(errors[0], 'LIMIT_EXCEEDED'))
  match(errors[0].message, /max\.connections\.per\.ip/)
  first.close()
  while (server.connections > 1) await setTimeout(1)
  equal((await (await connect()).ask(apiVersions, 0, {})).errorCode, errorCodes.NONE)
})

test('a connection without requests is closed; a long wait for records is none', async context => {
  const clock = virtualClock()
  const { connect, log } = await startTestServer(context, { clock, limits: { idleMsMax: 5000 } })
  await log.createTopic('orders')
  const [idle, busy] = [await connect(), await connect()]
  await idle.ask(apiVersions, 0, {})
  const waiting = busy.ask(fetch, 11, fetchFrom(0, 600_000))
  await setTimeout(20)
  for (let n = 0; n < 40; n += 1) await clock.advance(250)
  equal(await idle.frame().catch(() => undefined), undefined)
  for (let n = 0; n < 2400; n += 1) await clock.advance(250)
  equal((await waiting).responses[0]!.partitions[0]!.errorCode, errorCodes.NONE)
})

test('what answers a request can be given', async context => {
  const { connect } = await startTestServer(context, { handlerOf: () => undefined, clock: systemClock })
  const client = await connect()
  await client.send(apiVersions, 0, {})
  ok(await client.frame())
  await client.send(fetch, 11, fetchFrom(0, 0))
  equal(await client.frame(), undefined)
})

test('addresses are read as they are written', () => {
  const check = (text: string, expected: unknown): void => deepEqual(parseAddress(text, 0), expected, text)
  check('127.0.0.1:9092', { host: '127.0.0.1', port: 9092 })
  check('localhost:0', { host: 'localhost', port: 0 })
  check('9092', { host: '127.0.0.1', port: 9092 })
  check('[::1]:9092', { host: '::1', port: 9092 })
  for (const wrong of [
    '',
    'host',
    'host:',
    ':9092',
    '::1:9092',
    'a b:1',
    'h:65536',
    'h:-1',
    'http://h:1',
    '[h]:1',
  ])
    check(wrong, undefined)
  equal(parseAddress('localhost:0', 1), undefined)
})

test('an address that other machines reach is refused', () => {
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost', 'LOCALHOST']) checkLoopback(host, '')
  for (const host of ['0.0.0.0', '::', '192.168.0.7', 'kafka.example.com', '127.0.0.1.example.com', '::2'])
    try {
      checkLoopback(host, '--allow-remote')
      throw new Error(`${host} is admitted`)
    } catch (error) {
      ok(isMillraceError(error, 'INVALID_ARGUMENT'))
      match(error.message, /no authentication.*--allow-remote/)
    }
})
