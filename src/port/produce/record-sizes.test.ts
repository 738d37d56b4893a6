/**
 * No batch gets larger than its topic takes: only a single record can be too large, and it alone is refused,
 * at its `send`, by its name.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestLog } from '../../broker/simulated-log.test-support.ts'
import { compressions, isMillraceError, seededRandom } from '../../base/index.ts'
import type { Log } from '../index.ts'
import { bytes, text, topic } from '../../schema/index.ts'
import { singleBatchBytes } from '../../wire/index.ts'

const notes = topic('notes', { key: text(), value: text() })

async function valuesOf(log: Log): Promise<string[]> {
  const read: string[] = []
  for await (const { value } of log.consumer(notes, { until: 'end' })) read.push(value!)
  return read
}

/** A value with which a record of this key is a batch of so many bytes. */
function valueFor(key: string, batchBytes: number): string {
  for (let length = batchBytes; length >= 0; length -= 1)
    if (singleBatchBytes(key, 'x'.repeat(length), undefined) === batchBytes) return 'x'.repeat(length)
  throw new Error(`no value makes a batch of ${batchBytes} bytes`)
}

const tooLarge =
  (key: string, limit: number) =>
  (error: unknown): boolean =>
    isMillraceError(error, 'RECORD_TOO_LARGE') &&
    error.message.includes(
      `with the key '${key}' for topic 'notes', partition 0, takes ${limit + 1} bytes`,
    ) &&
    error.message.includes(`more than the ${limit} that the topic takes`)

/** Where the limit comes from: the topic, the log, or both. */
const limits: readonly {
  readonly of: string
  readonly log?: number
  readonly topic?: number
  readonly message?: number
}[] = [
  { of: 'the topic', topic: 5000 },
  { of: 'the log', log: 5000 },
  { of: 'the topic, below the log', log: 100_000, topic: 5000 },
  { of: 'the topic, above the log', log: 1000, topic: 5000 },
  { of: 'max.message.bytes of the topic', message: 5000 },
  { of: 'max.message.bytes of the topic, below its segments', topic: 9000, message: 5000 },
]

for (const { of, log: segmentBytes, topic: own, message } of limits)
  test(`a record is refused past what a segment takes, by ${of}`, async t => {
    const log = await openTestLog(
      t,
      segmentBytes === undefined ? {} : { configs: { 'log.segment.bytes': segmentBytes } },
    )
    await log.createTopic('notes', {
      configs: {
        ...(own === undefined ? {} : { 'segment.bytes': own }),
        ...(message === undefined ? {} : { 'max.message.bytes': message }),
      },
    })
    assert.equal((await log.describeTopic('notes'))?.batchBytesMax, 5000)
    const producer = log.producer(notes)
    const largest = valueFor('k', 5000)
    const small = Array.from({ length: 300 }, (_, n) => `${n} ${'é'.repeat(n % 90)}`)
    await Promise.all([
      ...small.slice(0, 150).map(value => producer.send({ key: 'k', value })),
      assert.rejects(producer.send({ key: 'k', value: `${largest}x` }), tooLarge('k', 5000)),
      producer.send({ key: 'k', value: largest }),
      ...small.slice(150).map(value => producer.send({ key: 'k', value })),
    ])
    // It was refused at its call: nothing else hears of it.
    await producer.flush()
    await assert.rejects(producer.sendBatch([{ key: 'k', value: `${largest}x` }]), tooLarge('k', 5000))
    await producer.close()
    assert.deepEqual(await valuesOf(log), [...small.slice(0, 150), largest, ...small.slice(150)])
    await log.close()
  })

test('the advice can be followed: with a larger segment.bytes the record is taken', async t => {
  const log = await openTestLog(t, { configs: { 'log.segment.bytes': 1000 } })
  const value = 'x'.repeat(3000)
  const send = () => log.producer(notes).send({ key: 'k', value })
  await assert.rejects(send(), (error: Error) =>
    /raise the topic's max.message.bytes and segment.bytes/.test(error.message),
  )
  await log.admin.alterConfigs({ type: 'topic', name: 'notes' }, [
    { name: 'segment.bytes', op: 'set', value: 4000 },
  ])
  await send()
  assert.deepEqual(await valuesOf(log), [value])
  await log.close()
})

for (const compression of compressions)
  test(`what cannot be compressed fits as it is: ${compression}`, async t => {
    const log = await openTestLog(t, { configs: { 'log.segment.bytes': 3000 } })
    const noise = topic('noise', { value: bytes() })
    const producer = log.producer(noise, { compression })
    const random = seededRandom(5)
    // From the largest that fits alone on down: two of the smallest share a batch.
    const largest = 3000 - singleBatchBytes(null, new Uint8Array(200), undefined) + 200 - 2
    const sizes = Array.from({ length: 60 }, (_, n) => (n < 30 ? largest - n : (largest >> 1) - 4 * (n - 30)))
    const values = sizes.map(size => random.bytes(size))
    await Promise.all(values.map(value => producer.send({ value })))
    await producer.send({ value: new Uint8Array(100) })
    await producer.close()
    const read: Uint8Array[] = []
    for await (const { value } of log.consumer(noise, { until: 'end' })) read.push(Uint8Array.from(value!))
    assert.deepEqual(
      read.map(({ length }) => length),
      [...sizes, 100],
    )
    assert.deepEqual(
      read.slice(0, -1),
      values.map(value => Uint8Array.from(value)),
    )
    await log.close()
  })

test('a topic that is created again with smaller segments: what was gathered is refused as a whole, and can be sent again', async t => {
  const log = await openTestLog(t)
  const producer = log.producer(notes)
  await producer.send({ key: 'k', value: 'before' })
  await log.deleteTopic('notes')
  await log.createTopic('notes', { configs: { 'segment.bytes': 2000 } })
  const values = Array.from({ length: 100 }, (_, n) => `${n} ${'x'.repeat(100)}`)
  const sendAll = () => Promise.all(values.map(value => producer.send({ key: 'k', value })))
  await assert.rejects(
    sendAll(),
    (error: unknown) =>
      isMillraceError(error, 'RECORD_TOO_LARGE') &&
      /100 records gathered for partition 0/.test(error.message),
  )
  await assert.rejects(producer.flush(), (error: unknown) => isMillraceError(error, 'RECORD_TOO_LARGE'))
  await sendAll()
  await producer.close()
  assert.deepEqual(await valuesOf(log), values)
  await log.close()
})

test('segments of the smallest size take no record, and say so', async t => {
  const log = await openTestLog(t, { configs: { 'log.segment.bytes': 14 } })
  const producer = log.producer(notes)
  await assert.rejects(producer.send({ key: 'k', value: '' }), (error: unknown) =>
    isMillraceError(error, 'RECORD_TOO_LARGE'),
  )
  await producer.close()
  await log.close()
})
