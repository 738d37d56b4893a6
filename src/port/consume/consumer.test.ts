import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
import { isMillraceError } from '../../base/index.ts'
import { createLog, type Log } from '../index.ts'
import { append, stateOf } from '../conformance/harness.ts'
import { bytes, topic } from '../../schema/index.ts'
import type { ConsumedRecord } from './consumed-records.ts'
import { settle } from '../../../test/settle.ts'
import { openTestLog, SimulatedLog } from '../../broker/simulated-log.test-support.ts'

const numbers = topic('numbers', { value: z.int(), partitions: 2 })
const one = topic('one', { value: z.int() })

async function fill(log: Log, count: number, timestamp = 0): Promise<void> {
  const producer = log.producer(one)
  for (let value = 0; value < count; value += 10)
    await producer.sendBatch(
      Array.from({ length: Math.min(10, count - value) }, (_, index) => ({
        value: value + index,
        timestamp: timestamp + value + index,
      })),
    )
  await producer.close()
}

/** Reads until `count` values came, then leaves the loop. */
async function take(
  records: AsyncIterable<{ value: number | null }>,
  count: number,
): Promise<(number | null)[]> {
  const values: (number | null)[] = []
  for await (const { value } of records) {
    values.push(value)
    if (values.length === count) break
  }
  return values
}

async function committedOf(log: Log, group: string): Promise<number | undefined> {
  return (await log.port.committedOffsets(group, [{ topic: 'one', partition: 0 }]))[0]?.offset
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index)

test('reads from the start to the end', async t => {
  const log = await openTestLog(t)
  await fill(log, 25)
  const offsets: number[] = []
  for await (const { value, offset, key, partition } of log.consumer(one, { until: 'end' })) {
    assert.deepEqual([value, key, partition], [offset, null, 0])
    offsets.push(offset)
  }
  assert.deepEqual(offsets, range(0, 25))
})

test("what is read is the caller's own: bytes and headers outlive the fetch", async t => {
  const log = await openTestLog(t)
  const raw = topic('raw', { key: bytes(), value: bytes() })
  const producer = log.producer(raw)
  // Two fetches of 512 KiB and more.
  for (let n = 0; n < 24; n += 1) {
    const value = Buffer.alloc(100_000, n)
    await producer.send({
      key: value.subarray(0, 4),
      value,
      headers: [{ key: 'n', value: value.subarray(0, 2) }],
    })
  }
  const records: ConsumedRecord<Uint8Array, Uint8Array>[] = []
  for await (const record of log.consumer(raw, { until: 'end' })) records.push(record)
  assert.deepEqual(
    records.map(({ key, value, headers }) => [key?.[3], value?.[99_999], headers[0]?.value?.[1]]),
    range(0, 24).map(n => [n, n, n]),
  )
})

test('waits for more without until', async t => {
  const log = await openTestLog(t)
  // Declared with its partitions it may be read before anything is written to it.
  const reading = take(log.consumer(topic('one', { value: z.int(), partitions: 1 })), 12)
  await fill(log, 12)
  assert.deepEqual(await reading, range(0, 12))
})

test('an offset past the end is refused, and not waited for in silence', async t => {
  const log = await openTestLog(t)
  await fill(log, 3)
  for (const group of ['g', 'h'])
    await log.port.commitOffsets({ group, offsets: [{ topic: 'one', partition: 0, offset: 9 }] })
  for (const options of [
    { group: 'g' },
    { group: 'h', until: 'end' as const },
    { from: { offset: 4 }, until: 'end' as const },
  ])
    await assert.rejects(take(log.consumer(one, options), 1), error =>
      isMillraceError(error, 'OFFSET_OUT_OF_RANGE'),
    )
  assert.deepEqual(await take(log.consumer(one, { from: { offset: 3 }, until: 'end' }), 1), [])
})

test('a topic that is not there, with its name mistyped perhaps, is not made', async t => {
  const log = await openTestLog(t)
  for (const options of [{}, { until: 'end' as const }, { group: 'g' }])
    await assert.rejects(
      take(log.consumer(one, options), 1),
      error => isMillraceError(error, 'UNKNOWN_TOPIC') && error.message.includes("'one'"),
    )
  assert.equal(await log.port.describeTopic('one'), undefined)
})

test('begins where from says', async t => {
  const log = await openTestLog(t)
  await fill(log, 30, 1000)
  const from = async (
    spec: 'latest' | { timestamp: number } | { offset: number },
  ): Promise<(number | null)[]> => take(log.consumer(one, { from: spec, until: 'end' }), Infinity)
  assert.deepEqual(await from({ offset: 17 }), range(17, 30))
  assert.deepEqual(await from({ timestamp: 1025 }), range(25, 30))
  assert.deepEqual(await from('latest'), [])
})

test('a group continues after the last record that was processed', async t => {
  const log = await openTestLog(t)
  await fill(log, 30)
  // The record at which the loop was left was not processed, as far as anyone can tell.
  assert.deepEqual(await take(log.consumer(one, { group: 'g' }), 5), range(0, 5))
  assert.deepEqual(await take(log.consumer(one, { group: 'g' }), 10), range(4, 14))
  const consumer = log.consumer(one, { group: 'g' })
  for await (const { value } of consumer)
    if (value === 20) {
      await consumer.commit()
      break
    }
  assert.deepEqual(await take(log.consumer(one, { group: 'g', until: 'end' }), Infinity), range(21, 30))
  assert.deepEqual(await take(log.consumer(one, { group: 'g', until: 'end' }), Infinity), [])
})

test('what a group commits lies behind the marker of the last transaction', async t => {
  const log = await openTestLog(t)
  await log.createTopic(one)
  const writer = await log.port.openWriter({ transactionalId: 'writer' })
  await append(writer, 'one', ['1', '2'])
  await writer.commit()
  assert.deepEqual(await take(log.consumer(one, { group: 'g', until: 'end' }), Infinity), [1, 2])
  const [committed] = await log.port.committedOffsets('g', [{ topic: 'one', partition: 0 }])
  assert.equal(committed?.offset, await log.port.offsets('one', 0, 'latest'))
})

test('a record whose body throws comes again', async t => {
  const log = await openTestLog(t)
  await fill(log, 5)
  await assert.rejects(async () => {
    for await (const { value } of log.consumer(one, { group: 'g' }))
      if (value === 3) throw new Error('failed')
  })
  assert.deepEqual(await take(log.consumer(one, { group: 'g', until: 'end' }), Infinity), [3, 4])
})

test('without automatic commits nothing is committed by itself', async t => {
  const log = await openTestLog(t)
  await fill(log, 5)
  const read = (): Promise<(number | null)[]> =>
    take(log.consumer(one, { group: 'g', until: 'end', autoCommitMs: false }), Infinity)
  assert.deepEqual(await read(), range(0, 5))
  assert.deepEqual(await read(), range(0, 5))
})

test('seeks by offset and by time, also in the middle of a batch', async t => {
  const log = await openTestLog(t)
  await fill(log, 40, 500)
  const consumer = log.consumer(one, { until: 'end' })
  const values: (number | null)[] = []
  for await (const { value } of consumer) {
    values.push(value)
    if (values.length === 2) await consumer.seekToTime(500 + 25)
    if (values.length === 4) await consumer.seek(0, 38)
  }
  assert.deepEqual(values, [0, 1, 25, 26, 38, 39])
  await assert.rejects(log.consumer(one).seek(7, 0), error => isMillraceError(error, 'INVALID_ARGUMENT'))
})

test('gives whole batches', async t => {
  const log = await openTestLog(t)
  await fill(log, 25)
  const sizes: number[] = []
  for await (const { records } of log.consumer(one, { group: 'g', until: 'end' }).batches())
    sizes.push(records.length)
  assert.deepEqual(sizes, [10, 10, 5])
  assert.deepEqual(await take(log.consumer(one, { group: 'g', until: 'end' }), Infinity), [])
})

for (const group of [undefined, 'g'])
  for (const by of ['records', 'batches'] as const)
    test(`what is read before a malformed record is handed out, and seek passes over that alone: ${by}, ${group ?? 'no group'}`, async t => {
      const log = await openTestLog(t)
      const values = ['0', '1', '2', '3', '4', '5', 'x', '7', '8', '9']
      await log.producer(topic('one', { value: z.string() })).sendBatch(values.map(value => ({ value })))
      const consumer = log.consumer(one, { until: 'end', ...(group !== undefined && { group }) })
      const seen: (number | null)[] = []
      const read = async (): Promise<void> => {
        if (by === 'records') for await (const { value } of consumer) seen.push(value)
        else
          for await (const { records } of consumer.batches()) seen.push(...records.map(({ value }) => value))
      }
      // Without a seek it stops at the same record again, and hands out nothing twice.
      for (let n = 0; n < 2; n += 1)
        await assert.rejects(
          read(),
          error =>
            isMillraceError(error, 'MALFORMED_RECORD') && error.message.includes('consumer.seek(0, 7)'),
        )
      assert.deepEqual(seen, range(0, 6))
      if (group !== undefined) assert.equal(await committedOf(log, group), 6)
      await consumer.seek(0, 7)
      await read()
      assert.deepEqual(seen, [...range(0, 6), 7, 8, 9])
      if (group !== undefined) assert.equal(await committedOf(log, group), 10)
    })

test('a consumer whose offset retention has dropped goes where it is told', async t => {
  const log = await openTestLog(t)
  await fill(log, 10)
  await log.port.commitOffsets({ group: 'g', offsets: [{ topic: 'one', partition: 0, offset: 99 }] })
  const consumer = log.consumer(one, { group: 'g', until: 'end' })
  await assert.rejects(
    take(consumer, 1),
    error =>
      isMillraceError(error, 'OFFSET_OUT_OF_RANGE') && error.message.includes('consumer.seek(0, offset)'),
  )
  await consumer.seek(0, 4)
  assert.deepEqual(await take(consumer, Infinity), range(4, 10))
})

test('a consumer has one loop at a time, and none after it was closed', async t => {
  const log = await openTestLog(t)
  await fill(log, 20)
  const consumer = log.consumer(one, { group: 'g' })
  const first = consumer[Symbol.asyncIterator]()
  assert.equal((await first.next()).value?.value, 0)
  const second = consumer[Symbol.asyncIterator]()
  const refused = (error: unknown): boolean => isMillraceError(error, 'INVALID_ARGUMENT')
  await assert.rejects(second.next(), refused)
  await assert.rejects(take(consumer.batches() as never, 1), refused)
  assert.deepEqual(await second.next(), { value: undefined, done: true })
  await second.return?.()
  // Nothing of that is noticed by the first one. Several calls at once are answered in order.
  const asked = await Promise.all(range(0, 19).map(() => first.next()))
  assert.deepEqual(
    asked.map(({ value }) => value?.value),
    range(1, 20),
  )
  await first.return?.()
  for (let n = 0; n < 2; n += 1)
    await assert.rejects(take(consumer, 1), error => isMillraceError(error, 'CLOSED'))
  await assert.rejects(consumer.seek(0, 0), error => isMillraceError(error, 'CLOSED'))
})

test('what was processed is committed while a body is at work', async () => {
  const simulated = new SimulatedLog()
  const { clock } = simulated
  const port = await simulated.open()
  const log = createLog(port, clock)
  await log.createTopic(one)
  await append(await port.openWriter(), 'one', ['0', '1', '2'])
  const records = log.consumer(one, { group: 'g', autoCommitMs: 500 })[Symbol.asyncIterator]()
  for (let n = 0; n < 3; n += 1) await settle(clock, records.next())
  await clock.advance(600)
  assert.equal(await committedOf(log, 'g'), 2)
  await settle(clock, log.close())
})

test('a record that the schema refuses stops the consumer, or is left out where the topic says so', async t => {
  const log = await openTestLog(t)
  await log
    .producer(topic('one', { value: z.string() }))
    .sendBatch([{ value: '1' }, { value: 'x' }, { value: '3' }])
  await assert.rejects(take(log.consumer(one, { until: 'end' }), Infinity), error =>
    isMillraceError(error, 'MALFORMED_RECORD'),
  )
  const lenient = log.consumer(topic('one', { value: z.int(), onError: 'skip' }), { until: 'end' })
  assert.deepEqual(await take(lenient, Infinity), [1, 3])
  assert.equal(lenient.skipped, 1)
})

test('members share the partitions, and hand over only what is processed', async t => {
  const log = await openTestLog(t)
  const producer = log.producer(topic('numbers', { key: z.string(), value: z.int(), partitions: 2 }))
  const sent = range(0, 200)
  for (const value of sent) void producer.send({ key: `k${value % 7}`, value })
  await producer.flush()

  const processed: number[] = []
  const consumers = [log.consumer(numbers, { group: 'g' }), log.consumer(numbers, { group: 'g' })] as const
  const run = async (consumer: (typeof consumers)[number], started?: () => void): Promise<void> => {
    for await (const { value } of consumer) {
      // Slow enough that partitions change hands while a body is at work.
      await new Promise(resolve => setImmediate(resolve))
      processed.push(value!)
      if (processed.length === 20) started?.()
      if (processed.length < sent.length) continue
      // Left from inside the body: without this the last record would come again, to the other member.
      await consumer.commit()
      return
    }
  }
  const { promise: underWay, resolve } = Promise.withResolvers<void>()
  const first = run(consumers[0], resolve)
  await underWay
  const second = run(consumers[1])
  await Promise.race([first, second])
  await Promise.all(consumers.map(consumer => consumer.close()))
  await Promise.all([first, second])
  assert.deepEqual(
    processed.toSorted((a, b) => a - b),
    sent,
  )
  assert.equal(new Set(processed).size, sent.length)
})

test('a member that was expelled while at work hears of it, and commits nothing over the one that came after it', async () => {
  const simulated = new SimulatedLog()
  const { clock } = simulated
  const port = await simulated.open()
  const log = createLog(port, clock)
  await log.createTopic(numbers)
  const writer = await port.openWriter()
  await append(writer, 'numbers', ['7'], 0)
  const options = { group: 'g', autoCommitMs: 10 * 60_000, rebalanceTimeout: '90s' } as const
  const committed = async (partition: number): Promise<number | undefined> =>
    (await port.committedOffsets('g', [{ topic: 'numbers', partition }]))[0]?.offset
  const first = log.consumer(numbers, options)
  const slow = first[Symbol.asyncIterator]()
  await settle(clock, slow.next())
  await append(writer, 'numbers', ['0', '1', '2', '3', '4'], 1)
  for (let n = 0; n < 2; n += 1) await settle(clock, slow.next())

  // The first one is at work on 1 of partition 1. That holds up nothing of partition 0, and what ended before
  // is committed.
  const second = log.consumer(numbers, options)
  const quick = second[Symbol.asyncIterator]()
  const joining = quick.next()
  await clock.advance(50)
  assert.deepEqual([await committed(0), await committed(1)], [1, 1])
  await append(writer, 'numbers', ['8'], 0)
  const values: unknown[] = [(await settle(clock, joining)).value?.value]
  await clock.advance(80_000)
  // It does not end, so it is expelled: the rest comes again elsewhere.
  for (let n = 0; n < 2; n += 1) values.push((await settle(clock, quick.next())).value?.value)
  assert(clock.monotonic() < 100_000)
  await second.commit()
  assert.deepEqual(values, [8, 1, 2])
  await assert.rejects(
    settle(clock, slow.next()),
    error => isMillraceError(error, 'MEMBER_FENCED') && error.message.includes('rebalanceTimeout'),
  )

  // It joins again, gets the partition back, and is at work on 4.
  const again = first[Symbol.asyncIterator]()
  const rest: unknown[] = []
  for (let n = 0; n < 2; n += 1) rest.push((await settle(clock, again.next())).value?.value)
  assert.deepEqual(rest, [3, 4])
  assert.equal(await committed(1), 3)
  await settle(clock, Promise.all([first.close(), second.close()]))
  assert.equal(await committed(1), 4)
  await simulated.close()
})

test('a consumer without a group reads the partitions that its topic gets, after five minutes at most', async () => {
  const simulated = new SimulatedLog()
  const { clock } = simulated
  const log = createLog(await simulated.open(), clock)
  await settle(clock, log.createTopic('one'))
  const consumer = log.consumer(one, { from: 'latest' })
  const loop = consumer[Symbol.asyncIterator]()
  const first = loop.next()
  await clock.advance(100)
  await settle(clock, log.admin.createPartitions('one', 2))
  const writer = await settle(clock, log.port.openWriter())
  await settle(clock, append(writer, 'one', ['1'], 1))
  await clock.advance(4 * 60_000)
  // A record that comes meanwhile does not put it off.
  await settle(clock, append(writer, 'one', ['0'], 0))
  const { value: before } = await settle(clock, first)
  assert.deepEqual([before?.partition, before?.value], [0, 0])
  const second = loop.next()
  await clock.advance(60_000)
  assert.equal(await stateOf(second), 'settled')
  const { value } = await second
  assert.deepEqual([value?.partition, value?.value], [1, 1])
  await settle(clock, writer.close())
  await settle(clock, log.close())
})
