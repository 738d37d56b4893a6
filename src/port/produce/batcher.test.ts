/** Records into batches: which partition, when a batch goes to the log, what waits, and what fails. */
import { deepEqual, equal, rejects, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError, partitionFor } from '../../base/index.ts'
import { RecordBatch } from '../../wire/index.ts'
import { Batcher, type BatcherOptions } from './batcher.ts'
import type { TargetTopic } from './topic-batches.ts'

interface Appended {
  readonly topic: string
  readonly partition: number
  readonly batch: RecordBatch
}

/** A batcher over a log that answers when it is told to. */
function gather(options: BatcherOptions = {}): {
  readonly batcher: Batcher
  readonly appended: Appended[]
  readonly answer: (error?: Error) => Promise<void>
} {
  const appended: Appended[] = []
  let waiting: PromiseWithResolvers<{ readonly baseOffset: number }>[] = []
  const batcher = new Batcher((topic, partition, batch) => {
    appended.push({ topic, partition, batch: new RecordBatch(batch.build({})) })
    const answer = Promise.withResolvers<{ readonly baseOffset: number }>()
    waiting.push(answer)
    return answer.promise
  }, options)
  return {
    batcher,
    appended,
    answer: async error => {
      for (const { resolve, reject } of waiting.splice(0))
        if (error) reject(error)
        else resolve({ baseOffset: 7 })
      waiting = []
      await new Promise(resolve => setImmediate(resolve))
    },
  }
}

const topic = (partitions: number, batchBytesMax = 1 << 30): TargetTopic => ({
  name: 't',
  partitions,
  batchBytesMax,
  internal: false,
})

test('a key goes where every Kafka client sends it, as text and as bytes', () => {
  const batches = gather().batcher.into(topic(7))
  for (const key of ['21', 'foobar', 'ключ', '']) {
    equal(batches.partitionFor(key), partitionFor(Buffer.from(key), 7))
    equal(batches.partitionFor(Buffer.from(key)), partitionFor(Buffer.from(key), 7))
  }
})

test('records without a key stay together until their batch is handed over', () => {
  const { batcher, appended } = gather()
  const batches = batcher.into(topic(3))
  for (let round = 0; round < 4; round += 1) {
    for (let n = 0; n < 5; n += 1) batches.append(batches.partitionFor(null), 0, null, 'v', undefined)
    batcher.flush()
  }
  deepEqual(
    appended.map(({ partition, batch }) => [partition, batch.count]),
    [
      [0, 5],
      [1, 5],
      [2, 5],
      [0, 5],
    ],
  )
})

test('a batch is handed over before it grows past its size; a larger record goes alone', () => {
  const { batcher, appended } = gather({ batchBytes: 1000 })
  const batches = batcher.into(topic(1))
  for (const size of [300, 300, 300, 5000, 10]) batches.append(0, 0, null, Buffer.alloc(size), undefined)
  batcher.flush()
  deepEqual(
    appended.map(({ batch }) => batch.count),
    [2, 1, 1, 1],
  )
})

test('headers arrive with text and with bytes', () => {
  const { batcher, appended } = gather()
  const batches = batcher.into(topic(1))
  const headers = [{ key: 'trace', value: Buffer.from('x') }]
  batches.append(0, 0, 'k', 'v', headers)
  batches.append(0, 0, Buffer.from('k'), 'v', headers)
  batcher.flush()
  const records = appended[0]!.batch.records()
  for (let n = 0; n < 2; n += 1) {
    records.next()
    deepEqual(
      records.headers().map(({ key, value }) => `${key} ${Buffer.from(value!).toString()}`),
      ['trace x'],
    )
  }
})

test('a record that no batch can hold is refused, and nothing is kept of it', () => {
  const { batcher } = gather()
  const batches = batcher.into(topic(1, 1000))
  throws(
    () => batches.append(0, 0, 'k', 'x'.repeat(1000), undefined),
    (error: unknown) =>
      isMillraceError(error, 'RECORD_TOO_LARGE') && /raise the topic's max.message.bytes/.test(error.message),
  )
  equal(batcher.hasGathered, false)
})

test('what is gathered in all topics counts, and waits for what is in flight', async () => {
  const { batcher, appended, answer } = gather({ bufferBytes: 3000 })
  const batches = batcher.into(topic(10))
  for (let n = 0; n < 10; n += 1) batches.append(n, 0, null, Buffer.alloc(200), undefined)
  equal(appended.length, 0)
  equal(batcher.isFull, false)
  for (let n = 0; n < 10; n += 1) batches.append(n, 0, null, Buffer.alloc(200), undefined)
  equal(batcher.isFull, true)
  let isRoom = false
  const waiting = batcher.relieved().then(() => (isRoom = true))
  await new Promise(resolve => setImmediate(resolve))
  equal(isRoom, false)
  await answer()
  await waiting
  equal(batcher.isFull, false)
})

test('a batch tells the offset of its first record, or its failure; settled() tells the first', async () => {
  const { batcher, answer } = gather()
  const batches = batcher.into(topic(1))
  const first = batches.append(0, 0, null, 'a', undefined)
  batcher.flush()
  await answer()
  equal(await first.acknowledged.promise, 7)
  const second = batches.append(0, 0, null, 'b', undefined)
  batcher.flush()
  await answer(new Error('no'))
  await rejects(second.acknowledged.promise, /no/)
  await rejects(batcher.settled(), /no/)
  await rejects(batcher.relieved(), /no/)
  batcher.forgetFailure()
  await batcher.settled()
})

test('a topic that is looked up again loses nothing that was gathered for it', () => {
  const { batcher, appended } = gather()
  batcher.into(topic(2)).append(1, 0, null, 'a', undefined)
  batcher.into(topic(4)).append(3, 0, null, 'b', undefined)
  batcher.flush()
  deepEqual(
    appended.map(({ partition }) => partition),
    [1, 3],
  )
})
