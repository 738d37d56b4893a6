import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
import { isMillraceError } from '../../base/index.ts'
import { topic } from '../../schema/index.ts'
import { openTestLog, SimulatedLog } from '../../broker/simulated-log.test-support.ts'
import { settle } from '../../../test/settle.ts'
import { createLog } from '../index.ts'

const flights = topic('flights', {
  key: z.string(),
  value: z.object({ delay: z.int() }),
  partitions: 4,
  timestamp: flight => 1000 + flight.delay,
})
const notes = topic('notes', { value: z.string(), partitions: 3 })

test('a topic is created with the partitions of its definition, at the first record', async t => {
  const log = await openTestLog(t)
  const producer = log.producer(flights)
  assert.equal(await log.describeTopic('flights'), undefined)
  await producer.send({ key: 'DFW', value: { delay: 1 } })
  assert.equal((await log.describeTopic('flights'))?.partitions, 4)
})

test('keys go where every Kafka client sends them', async t => {
  const log = await openTestLog(t)
  const producer = log.producer(flights)
  // As Java's murmur2: "21" hashes to -973932308, "foobar" to -790332482, "a-little-bit-long-string" to
  // -985981536.
  for (const [key, hash] of [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
  ] as const) {
    const { partition } = await producer.send({ key, value: { delay: 0 } })
    assert.equal(partition, (hash & 0x7fff_ffff) % 4, key)
  }
})

test('what is sent in one go becomes one batch, and each record gets its own offset', async t => {
  const log = await openTestLog(t)
  const producer = log.producer(topic('one', { value: z.string() }))
  const sent = await Promise.all(['a', 'b', 'c'].map(value => producer.send({ value })))
  assert.deepEqual(
    sent.map(({ offset }) => offset),
    [0, 1, 2],
  )
  const reader = await log.port.openReader()
  reader.assign([{ topic: 'one', partition: 0, offset: 0 }])
  let fetched
  while (!(fetched = reader.take('one', 0))) await reader.wait()
  assert.equal(fetched.batch.count, 3)
})

test('records without a key stay together, and the next batch goes elsewhere', async t => {
  const log = await openTestLog(t)
  const producer = log.producer(notes)
  const partitions = new Set<number>()
  for (let round = 0; round < 3; round += 1) {
    const sent = await Promise.all(['a', 'b', 'c'].map(value => producer.send({ value })))
    assert.equal(new Set(sent.map(({ partition }) => partition)).size, 1)
    partitions.add(sent[0]!.partition)
  }
  assert.deepEqual(
    [...partitions].toSorted((a, b) => a - b),
    [0, 1, 2],
  )
})

test('a record that the schema refuses is refused alone', async t => {
  const log = await openTestLog(t)
  const producer = log.producer(flights)
  const results = await Promise.allSettled([
    producer.send({ key: 'A', value: { delay: 1 } }),
    producer.send({ key: 'A', value: { delay: 1.5 } }),
    producer.send({ key: 'A', value: { delay: 2 } }),
  ])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert(isMillraceError((results[1] as PromiseRejectedResult).reason, 'MALFORMED_RECORD'))
  await assert.rejects(
    producer.sendBatch([
      { key: 'A', value: { delay: 3 } },
      { key: 'A', value: { delay: 0.5 } },
    ]),
    error => isMillraceError(error, 'MALFORMED_RECORD'),
  )
})

test('timestamps come from the record, from the topic, or from the clock', async t => {
  const log = await openTestLog(t)
  const before = Date.now()
  await log.producer(flights).sendBatch([
    { key: 'A', value: { delay: 1 } },
    { key: 'A', value: { delay: 2 }, timestamp: 5 },
  ])
  await log.producer(notes).send({ value: 'now' })
  const timestamps: number[] = []
  for await (const { timestamp } of log.consumer(flights, { until: 'end' })) timestamps.push(timestamp)
  assert.deepEqual(timestamps, [1001, 5])
  for await (const { timestamp } of log.consumer(notes, { until: 'end' })) assert(timestamp >= before)
})

test('a buffer that is full makes senders wait, and everything arrives', async t => {
  const log = await openTestLog(t)
  const producer = log.producer(notes, { bufferBytes: 2000, batchBytes: 500 })
  const records = Array.from({ length: 500 }, (_, index) => ({ value: `note ${index}` }))
  await producer.sendBatch(records)
  let count = 0
  for await (const { records: batch } of log.consumer(notes, { until: 'end' }).batches())
    count += batch.length
  assert.equal(count, 500)
})

test('a buffer that is full is appended without waiting for the linger time', async t => {
  const log = await openTestLog(t)
  const producer = log.producer(notes, { bufferBytes: 2000, lingerMs: 3_600_000 })
  assert.equal((await producer.send({ value: 'x'.repeat(2000) })).offset, 0)
})

test('a linger gathers over time, and close sends what is left', async t => {
  const log = await openTestLog(t)
  const producer = log.producer(notes, { lingerMs: 60_000, compression: 'gzip' })
  const sent = producer.send({ value: 'a', headers: [{ key: 'h', value: new Uint8Array([1]) }] })
  await new Promise(resolve => setTimeout(resolve, 20))
  await producer.close()
  assert.equal((await sent).offset, 0)
  await assert.rejects(producer.send({ value: 'b' }), error => isMillraceError(error, 'CLOSED'))
  for await (const { value, headers } of log.consumer(notes, { until: 'end' })) {
    assert.equal(value, 'a')
    assert.deepEqual(
      headers.map(({ key, value: bytes }) => [key, ...bytes!]),
      [['h', 1]],
    )
  }
})

test('a producer uses the partitions that its topic gets, after five minutes at most', async () => {
  const simulated = new SimulatedLog()
  const { clock } = simulated
  const log = createLog(await simulated.open(), clock)
  const open = topic('open', { key: z.string(), value: z.string() })
  const keys = Array.from({ length: 20 }, (_, n) => `key ${n}`)
  const [producer, declaring] = [log.producer(open), log.producer(notes)]
  /** The partitions to which the keys go, and what a producer of a topic that declares its count meets. */
  const sent = async (): Promise<[number[], unknown]> => {
    const receipts = Promise.all(keys.map(key => producer.send({ key, value: key })))
    const partitions = (await settle(clock, receipts)).map(({ partition }) => partition)
    const refused = declaring.send({ value: 'a' }).then(
      () => undefined,
      (error: unknown) => isMillraceError(error) && error.code,
    )
    return [[...new Set(partitions)].toSorted((a, b) => a - b), await settle(clock, refused)]
  }
  assert.deepEqual(await sent(), [[0], undefined])
  await settle(clock, log.admin.createPartitions('open', 3))
  await settle(clock, log.admin.createPartitions('notes', 4))
  await clock.advance(4 * 60_000)
  assert.deepEqual(await sent(), [[0], undefined])
  await clock.advance(60_000)
  assert.deepEqual(await sent(), [[0, 1, 2], 'PARTITION_COUNT_CHANGED'])
  await settle(clock, log.close())
})
