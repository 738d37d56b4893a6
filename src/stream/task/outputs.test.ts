/** Outputs bounds the batches that it gathers for many partitions, and those in flight to the log. */
import { equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError, MillraceError } from '../../base/index.ts'
import type { Writer } from '../../port/index.ts'
import { Outputs } from './outputs.ts'

interface FakeWriter {
  readonly writer: Writer
  /** Batches that were handed over. */
  appended: number
  /** Acknowledges them, or fails them. */
  answer(error?: Error): void
}

function fakeWriter(): FakeWriter {
  let waiting: PromiseWithResolvers<{ readonly baseOffset: number }>[] = []
  const fake: FakeWriter = {
    appended: 0,
    answer(error) {
      for (const { resolve, reject } of waiting)
        if (error) reject(error)
        else resolve({ baseOffset: 0 })
      waiting = []
    },
    writer: {
      append() {
        fake.appended += 1
        const answer = Promise.withResolvers<{ readonly baseOffset: number }>()
        waiting.push(answer)
        return answer.promise
      },
      commit: () => Promise.resolve(),
      abort: () => Promise.resolve(),
      close: () => Promise.resolve(),
    },
  }
  return fake
}

const topics = (partitions: number) => ({ partitions: () => partitions, batchBytesMax: () => 1 << 30 })
const node = { name: 'test', kind: 'exchange' } as const
const key = Buffer.from('key')
const value = Buffer.alloc(100_000)

test('hands over batches that are not full when all of them together are too large', () => {
  const fake = fakeWriter()
  const outputs = new Outputs(fake.writer, topics(1000))
  for (let partition = 0; partition < 300; partition += 1)
    outputs.writeRaw(node, 't', partition, 0, key, value, [])
  equal(fake.appended, 0)
  for (let partition = 300; partition < 400; partition += 1)
    outputs.writeRaw(node, 't', partition, 0, key, value, [])
  ok(fake.appended > 300, `${fake.appended} batches`)
  // Batches that were handed over no longer count.
  const before = fake.appended
  for (let partition = 400; partition < 600; partition += 1)
    outputs.writeRaw(node, 't', partition, 0, key, value, [])
  equal(fake.appended, before)
})

test('waits while too much is in flight to the log, and throws the failure of a write', async () => {
  const fake = fakeWriter()
  const outputs = new Outputs(fake.writer, topics(1))
  for (let n = 0; n < 400; n += 1) outputs.writeRaw(node, 't', 0, 0, key, value, [])
  let relieved = false
  const waiting = outputs.relieved().then(() => (relieved = true))
  await new Promise(resolve => setImmediate(resolve))
  equal(relieved, false)
  fake.answer()
  await waiting
  outputs.writeRaw(node, 't', 0, 0, key, value, [])
  outputs.flush()
  const settled = outputs.settled()
  fake.answer(new MillraceError('DISK_FULL', 'full'))
  await rejects(settled, (error: unknown) => isMillraceError(error, 'DISK_FULL'))
})
