/** Compaction as readers see it: a record keeps its offset, and removed ones leave gaps. */
import assert from 'node:assert/strict'
import { BatchBuilder } from '../../wire/index.ts'
import type { FetchedBatch } from '../log-port.ts'
import type { Harness } from './harness.ts'
import type { Cases } from './index.ts'

/** The least that Kafka accepts. */
const segmentBytes = 1 << 20
/** Two records of this size do not fit into a segment. */
const fillerBytes = 600_000
/** How long compaction may take: above the default of `log.cleaner.backoff.ms`. */
const compactedWithinMs = 30_000

type KeyedRecord = readonly [key: string, value: string, timestamp: number]

/** Offsets 0 to 10; after compaction 4, 5, 7 and 8 are left, and the fillers. */
const batches: readonly (readonly KeyedRecord[])[] = [
  // Goes whole.
  [
    ['a', '1', 100],
    ['b', '1', 101],
    ['c', '1', 102],
    ['a', '2', 103],
  ],
  // Its last record goes, which has the largest timestamp of all.
  [
    ['a', '3', 200],
    ['d', '1', 201],
    ['b', '2', 900],
  ],
  [
    ['b', '3', 300],
    ['c', '2', 301],
  ],
  [['filler', 'x'.repeat(fillerBytes), 0]],
  // Begins a segment: everything before can be compacted.
  [['another filler', 'x'.repeat(fillerBytes), 0]],
]
const left = [4, 5, 7, 8, 9, 10]

/** A topic that was written and then compacted. */
async function compacted(h: Harness): Promise<string> {
  const topic = h.name('compacted')
  await h.port.createTopic(topic, {
    partitions: 1,
    configs: { 'cleanup.policy': 'compact', 'segment.bytes': segmentBytes, 'min.cleanable.dirty.ratio': 0 },
  })
  const writer = await h.port.openWriter()
  for (const records of batches) {
    const builder = new BatchBuilder()
    for (const [key, value, timestamp] of records) builder.append(timestamp, key, value)
    await writer.append(topic, 0, builder)
  }
  await writer.close()
  for (let waitMs = 1; (await offsetsOf(h, topic)).length > left.length; waitMs *= 2) {
    assert(waitMs < compactedWithinMs, `compacted within ${compactedWithinMs} ms`)
    await h.pass(waitMs)
  }
  return topic
}

async function offsetsOf(h: Harness, topic: string, from = 0): Promise<number[]> {
  return (await h.read(topic, { from })).map(({ offset }) => offset)
}

/** What is known of the first batch that a reader takes from an offset on. */
async function firstTaken(h: Harness, topic: string, offset: number): Promise<Omit<FetchedBatch, 'batch'>> {
  const reader = await h.port.openReader()
  reader.assign([{ topic, partition: 0, offset }])
  let fetched
  while (!(fetched = reader.take(topic, 0))) await reader.wait(10_000)
  assert.equal(reader.position(topic, 0), fetched.nextOffset)
  const { firstOffset, nextOffset } = fetched
  await reader.close()
  return { topic, partition: 0, firstOffset, nextOffset }
}

export const compactionCases: Cases = {
  async 'the latest record of each key is left, and reading begins at any offset'(h) {
    const topic = await compacted(h)
    for (let from = 0; from <= 11; from += 1)
      assert.deepEqual(
        await offsetsOf(h, topic, from),
        left.filter(offset => offset >= from),
        `from ${from}`,
      )
    assert.deepEqual((await h.values(topic)).slice(0, 4), ['3', '1', '3', '2'])
    assert.equal(await h.port.offsets(topic, 0, 'earliest'), 0)
    assert.equal(await h.port.offsets(topic, 0, 'latest'), 11)
  },

  async 'positions step over the gaps that compaction leaves'(h) {
    const topic = await compacted(h)
    for (const from of [0, 2, 4, 5, 6]) {
      const { firstOffset, nextOffset } = await firstTaken(h, topic, from)
      // The batch was appended with the offsets 4 to 6, and 6 is not there any more.
      assert.equal(nextOffset, 7, `from ${from}`)
      assert(firstOffset >= from && firstOffset <= Math.max(from, 4), `from ${from}: ${firstOffset}`)
    }
  },

  async 'look-ups by time find records that are left'(h) {
    const topic = await compacted(h)
    const find = (timestamp: number): Promise<number> => h.port.offsets(topic, 0, { timestamp })
    assert.deepEqual(
      await Promise.all([0, 103, 200, 201, 202, 301, 302, 900].map(timestamp => find(timestamp))),
      [4, 4, 4, 5, 7, 8, 11, 11],
    )
    assert.equal(await h.port.offsets(topic, 0, 'max-timestamp'), 8)
  },

  async 'after a crash: a compacted log is as it was, and continues behind its gaps'(h) {
    const topic = await compacted(h)
    await h.crash()
    assert.deepEqual(await offsetsOf(h, topic), left)
    const writer = await h.port.openWriter()
    const builder = new BatchBuilder()
    builder.append(0, 'e', '1')
    assert.equal((await writer.append(topic, 0, builder)).baseOffset, 11)
    await writer.close()
    assert.deepEqual(await offsetsOf(h, topic), [...left, 11])
  },
}
