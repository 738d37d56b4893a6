/** Transactions: which of their records readers see, at each isolation level. */
import assert from 'node:assert/strict'
import { append, batch, drain, eventually } from './harness.ts'
import type { OffsetSpec } from '../log-port.ts'
import type { Cases } from './index.ts'

export const visibilityCases: Cases = {
  async 'records show when their transaction commits, in all partitions'(h) {
    const topic = await h.topic(3)
    const writer = await h.port.openWriter({ transactionalId: h.name('writer') })
    for (const partition of [0, 1, 2]) await append(writer, topic, [`p${partition}`], partition)
    for (const partition of [0, 1, 2]) assert.deepEqual(await h.values(topic, { partition }), [])
    await writer.commit()
    for (const partition of [0, 1, 2])
      await eventually(h, async () => (await h.values(topic, { partition })).length === 1)
    await writer.close()
  },

  async 'aborted records never show, whatever is around them'(h) {
    const topic = await h.topic()
    const aborting = await h.port.openWriter({ transactionalId: h.name('aborting') })
    const committing = await h.port.openWriter({ transactionalId: h.name('committing') })
    await append(aborting, topic, ['x1', 'x2'])
    await append(committing, topic, ['a'])
    await h.write(topic, ['plain'])
    await append(aborting, topic, ['x3'])
    await append(committing, topic, ['b'])
    await aborting.abort()
    await append(aborting, topic, ['c'])
    await committing.commit()
    await aborting.commit()
    await append(aborting, topic, ['x4'])
    await aborting.abort()
    await h.write(topic, ['last'])
    await eventually(h, async () => (await h.values(topic)).at(-1) === 'last')
    assert.deepEqual(await h.values(topic), ['a', 'plain', 'b', 'c', 'last'])
    const all = await h.read(topic, { isolation: 'read_uncommitted' })
    assert.deepEqual(
      all.map(({ value }) => value),
      ['x1', 'x2', 'a', 'plain', 'x3', 'b', 'c', 'x4', 'last'],
    )
    // From every offset the rest is the same.
    for (const { offset } of all) {
      const expected = (await h.read(topic)).filter(shown => shown.offset >= offset)
      assert.deepEqual(await h.read(topic, { from: offset }), expected)
    }
    await aborting.close()
    await committing.close()
  },

  async 'an open transaction holds back later records until it ends'(h) {
    const topic = await h.topic()
    await h.write(topic, ['before'])
    const writer = await h.port.openWriter({ transactionalId: h.name('writer') })
    await append(writer, topic, ['inside'])
    await h.write(topic, ['after'])
    assert.deepEqual(await h.values(topic), ['before'])
    assert.equal(await h.port.offsets(topic, 0, 'latest'), 1)
    const reader = await h.port.openReader()
    reader.assign([{ topic, partition: 0, offset: 0 }])
    assert.equal((await drain(reader, topic, 0)).length, 1)
    assert.equal(reader.end(topic, 0), 1)
    await writer.abort()
    let fetched
    while (!(fetched = reader.take(topic, 0))) await reader.wait(10_000)
    assert.equal(fetched.firstOffset, 2)
    await reader.close()
    await writer.close()
  },

  async 'markers leave gaps that positions step over'(h) {
    const topic = await h.topic()
    const writer = await h.port.openWriter({ transactionalId: h.name('writer') })
    const reader = await h.port.openReader()
    reader.assign([{ topic, partition: 0, offset: 0 }])
    const offsets: number[] = []
    for (let round = 0; round < 5; round += 1) {
      await append(writer, topic, [`${round}`, 'b'])
      await writer.commit()
      while (offsets.length < 2 * (round + 1)) {
        offsets.push(...(await drain(reader, topic, 0)).map(({ offset }) => offset))
        if (offsets.length < 2 * (round + 1)) await reader.wait(10_000)
      }
    }
    assert.deepEqual(offsets, [0, 1, 3, 4, 6, 7, 9, 10, 12, 13])
    await eventually(h, async () => reader.position(topic, 0) === 15)
    assert(reader.atEnd(topic, 0))
    assert.equal(await h.port.offsets(topic, 0, 'latest'), 15)
    // A reader that begins at a marker begins after it.
    assert.deepEqual(
      (await h.read(topic, { from: 5 })).map(({ offset }) => offset),
      [6, 7, 9, 10, 12, 13],
    )
    assert.deepEqual(await h.read(topic, { from: 14 }), [])
    await reader.close()
    await writer.close()
  },

  async 'records of an open transaction show to read_uncommitted within 100 ms'(h) {
    const topic = await h.topic()
    const writer = await h.port.openWriter({ transactionalId: h.name('writer') })
    const reader = await h.port.openReader({ isolation: 'read_uncommitted' })
    reader.assign([{ topic, partition: 0, offset: 0 }])
    for (const round of ['a', 'b', 'c']) {
      await append(writer, topic, [round])
      await h.pass(100)
      const shown: string[] = []
      await eventually(h, async () => {
        shown.push(...(await drain(reader, topic, 0)).map(({ value }) => value))
        return shown.length > 0
      })
      assert.deepEqual(shown, [round])
    }
    assert.deepEqual(await h.values(topic), [])
    await reader.close()
    await writer.close()
  },

  async 'a look-up under read_uncommitted finds what was appended before it'(h) {
    const topic = await h.topic()
    const writer = await h.port.openWriter({ transactionalId: h.name('writer') })
    await writer.append(topic, 0, batch(['a', 'b'], 5))
    const found = (at: OffsetSpec): Promise<number> => h.port.offsets(topic, 0, at, 'read_uncommitted')
    assert.equal(await found('latest'), 2)
    await writer.append(topic, 0, batch(['c'], 9))
    assert.equal(await found('max-timestamp'), 2)
    await writer.append(topic, 0, batch(['d'], 20))
    assert.equal(await found({ timestamp: 10 }), 3)
    assert.deepEqual(await h.values(topic, { isolation: 'read_uncommitted' }), ['a', 'b', 'c', 'd'])
    assert.equal(await h.port.offsets(topic, 0, 'latest'), 0)
    await writer.close()
  },
}
