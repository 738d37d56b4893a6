import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
import { isMillraceError } from '../../src/base/index.ts'
import { createLog, type Log } from '../../src/port/index.ts'
import { append } from '../../src/port/conformance/harness.ts'
import { topic } from '../../src/schema/index.ts'
import { settle } from '../settle.ts'
import { openTestLog, SimulatedLog } from './support.ts'

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

test('waits for more without until', async t => {
  const log = await openTestLog(t)
  // Declared with its partitions it may be read before anything is written to it.
  const reading = take(log.consumer(topic('one', { value: z.int(), partitions: 1 })), 12)
  await fill(log, 12)
  assert.deepEqual(await reading, range(0, 12))
})

test('from behind the end there is nothing to read, and no silence either', async t => {
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

test('a group goes on after the last record that was processed', async t => {
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

test('a member that was expelled while at work commits nothing over the one that came after it', async () => {
  const simulated = new SimulatedLog()
  const { clock } = simulated
  const port = await simulated.open()
  const log = createLog(port, clock)
  await log.createTopic(numbers)
  await append(await port.openWriter(), 'numbers', ['0', '1', '2', '3', '4'], 1)
  const options = { group: 'g', autoCommitMs: 2 * 60_000 }
  const first = log.consumer(numbers, options)
  const slow = first[Symbol.asyncIterator]()
  for (let n = 0; n < 2; n += 1) await settle(clock, slow.next())

  // The first one does not answer, since it is at work on 1: it is expelled, and all that it had comes again.
  const second = log.consumer(numbers, options)
  const quick = second[Symbol.asyncIterator]()
  const values: unknown[] = []
  for (let n = 0; n < 3; n += 1) values.push((await settle(clock, quick.next())).value?.value)
  await second.commit()

  // It joins again, gets the partition back, and is at work on 4.
  for (let n = 0; n < 2; n += 1) values.push((await settle(clock, slow.next())).value?.value)
  assert.deepEqual(values, [0, 1, 2, 3, 4])
  const committed = async (): Promise<number | undefined> =>
    (await port.committedOffsets('g', [{ topic: 'numbers', partition: 1 }]))[0]?.offset
  assert.equal(await committed(), 3)
  await settle(clock, Promise.all([first.close(), second.close()]))
  assert.equal(await committed(), 4)
  await simulated.close()
})
