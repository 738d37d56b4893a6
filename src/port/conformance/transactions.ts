/** Transactions: fencing of writers, refused appends, and offsets that commit together with data. */
import assert from 'node:assert/strict'
import { append, batch, eventually, refuses } from './harness.ts'
import type { ErrorCode } from '../../base/index.ts'
import type { GroupCommit } from '../log-port.ts'
import type { Cases } from './index.ts'

const mib = 2 ** 20

export const transactionCases: Cases = {
  async 'a transaction of nothing does nothing'(h) {
    const topic = await h.topic()
    const writer = await h.port.openWriter({ transactionalId: h.name('writer') })
    await writer.commit()
    await writer.abort()
    await writer.commit({ group: h.name('group'), offsets: [] })
    assert.equal(await h.port.offsets(topic, 0, 'latest', 'read_uncommitted'), 0)
    await writer.close()
  },

  async 'a second writer with the same id fences the first'(h) {
    const topic = await h.topic()
    const transactionalId = h.name('writer')
    const first = await h.port.openWriter({ transactionalId })
    await append(first, topic, ['committed'])
    await first.commit()
    await append(first, topic, ['zombie'])
    const second = await h.port.openWriter({ transactionalId })
    await append(second, topic, ['next'])
    await refuses('PRODUCER_FENCED', first.commit())
    await refuses('PRODUCER_FENCED', first.append(topic, 0, batch(['late'])))
    await refuses('PRODUCER_FENCED', first.abort())
    await second.commit()
    await first.close()
    await append(second, topic, ['after'])
    await second.commit()
    await eventually(h, async () => (await h.values(topic)).at(-1) === 'after')
    assert.deepEqual(await h.values(topic), ['committed', 'next', 'after'])
    await second.close()
  },

  async 'a fenced writer learns of it even with nothing to commit'(h) {
    const transactionalId = h.name('writer')
    const first = await h.port.openWriter({ transactionalId })
    const second = await h.port.openWriter({ transactionalId })
    await refuses('PRODUCER_FENCED', first.append(await h.topic(), 0, batch(['late'])))
    await first.close()
    await second.close()
  },

  async 'closing a writer aborts its open transaction'(h) {
    const topic = await h.topic()
    const writer = await h.port.openWriter({ transactionalId: h.name('writer') })
    await append(writer, topic, ['x'])
    await writer.close()
    await h.write(topic, ['a'])
    await eventually(h, async () => (await h.values(topic)).length > 0)
    assert.deepEqual(await h.values(topic), ['a'])
  },

  async 'appends during a commit belong to the next transaction'(h) {
    const topic = await h.topic()
    const writer = await h.port.openWriter({ transactionalId: h.name('writer') })
    const appended = [append(writer, topic, ['a'])]
    const committed = writer.commit()
    appended.push(append(writer, topic, ['b']), append(writer, topic, ['c']))
    await committed
    await Promise.all(appended)
    await writer.abort()
    await h.write(topic, ['end'])
    await eventually(h, async () => (await h.values(topic)).at(-1) === 'end')
    assert.deepEqual(await h.values(topic), ['a', 'end'])
    await writer.close()
  },

  async 'a commit covers every append called before it, whether or not it has resolved'(h) {
    const topic = await h.topic(3)
    const writer = await h.port.openWriter({ transactionalId: h.name('writer') })
    const rounds = Array.from({ length: 5 }, (_, round) => `${round}`)
    const calls: Promise<unknown>[] = []
    for (const round of rounds) {
      for (const partition of [0, 1, 2]) calls.push(append(writer, topic, [round, 'b'], partition))
      calls.push(writer.commit())
    }
    calls.push(append(writer, topic, ['aborted']), writer.abort())
    await Promise.all(calls)
    for (const partition of [0, 1, 2]) {
      await eventually(h, async () => (await h.values(topic, { partition })).length === 10)
      assert.deepEqual(
        await h.values(topic, { partition }),
        rounds.flatMap(round => [round, 'b']),
      )
    }
    await writer.close()
  },

  async 'a transaction with a refused append can only be aborted, and the writer continues'(h) {
    const topic = await h.topic()
    const writer = await h.port.openWriter({ transactionalId: h.name('writer') })
    for (const isFirst of [true, false]) {
      const appended = isFirst ? [] : [append(writer, topic, ['x'])]
      const refused = refuses('UNKNOWN_TOPIC', append(writer, h.name('missing'), ['x']))
      const committed = refuses('UNKNOWN_TOPIC', writer.commit())
      await Promise.all([...appended, refused, committed])
      await refuses('UNKNOWN_TOPIC', append(writer, topic, ['x']))
      await writer.abort()
      await append(writer, topic, [`after ${isFirst}`])
      await writer.commit()
    }
    await eventually(h, async () => (await h.values(topic)).length === 2)
    assert.deepEqual(await h.values(topic), ['after true', 'after false'])
    await writer.close()
  },

  async 'a batch that is too large for its topic is missing in the transaction, which cannot be committed'(
    h,
  ) {
    const large = 'x'.repeat(1.5 * mib)
    for (const configs of [
      { 'max.message.bytes': mib, 'segment.bytes': 4 * mib },
      { 'max.message.bytes': 4 * mib, 'segment.bytes': mib },
    ]) {
      const topic = h.name('topic')
      await h.port.createTopic(topic, { partitions: 1, configs })
      const writer = await h.port.openWriter({ transactionalId: h.name('writer') })
      await append(writer, topic, ['lost'])
      await Promise.all([
        refuses('RECORD_TOO_LARGE', append(writer, topic, [large])),
        refuses('RECORD_TOO_LARGE', writer.commit()),
      ])
      await writer.abort()
      await append(writer, topic, ['next'])
      await writer.commit()
      await eventually(h, async () => (await h.values(topic)).length > 0)
      assert.deepEqual(await h.values(topic), ['next'])
      await writer.close()
    }
  },

  async 'refused offsets are missing in the transaction, which is aborted; the writer continues'(h) {
    const topic = await h.topic()
    const gone = await h.topic()
    await h.port.deleteTopic(gone)
    const group = h.name('group')
    const at = { topic, partition: 0, offset: 1 }
    const writer = await h.port.openWriter({ transactionalId: h.name('writer') })
    const refused: readonly [ErrorCode, GroupCommit][] = [
      ['UNKNOWN_TOPIC', { group, offsets: [at, { ...at, topic: gone }] }],
      ['UNKNOWN_PARTITION', { group, offsets: [{ ...at, partition: 7 }] }],
      ['INVALID_ARGUMENT', { group, offsets: [{ ...at, metadata: 'x'.repeat(40_000) }] }],
      ['INVALID_ARGUMENT', { group, offsets: [{ ...at, leaderEpoch: 2 ** 40 }] }],
      ['MEMBER_FENCED', { group, memberId: 'nobody', generation: 3, offsets: [at] }],
    ]
    for (const [code, commit] of refused)
      for (const withRecords of [true, false]) {
        if (withRecords) await append(writer, topic, ['lost'])
        await refuses(code, writer.commit(commit))
        await refuses(code, writer.append(topic, 0, batch(['missing'])))
        await refuses(code, writer.commit())
        await writer.abort()
      }
    await append(writer, topic, ['next'])
    await writer.commit({ group, offsets: [at] })
    await eventually(h, async () => (await h.values(topic)).length > 0)
    assert.deepEqual(await h.values(topic), ['next'])
    assert.equal(await h.committed(group, topic), 1)
    await writer.close()
  },

  async 'a transaction that takes too long is aborted'(h) {
    const topic = await h.topic()
    const writer = await h.port.openWriter({ transactionalId: h.name('writer'), transactionTimeoutMs: 100 })
    await append(writer, topic, ['slow'])
    await h.write(topic, ['other'])
    for (let turn = 0; turn < 100 && (await h.values(topic)).length === 0; turn += 1) await h.pass(50)
    assert.deepEqual(await h.values(topic), ['other'])
    await refuses('PRODUCER_FENCED', writer.commit())
    await writer.close()
  },

  async 'tools see the transactions of ids and of partitions, and abort them'(h) {
    const topic = await h.topic(2)
    const transactionalId = h.name('writer')
    const { admin } = h.port
    const stateNow = async () =>
      (await admin.listTransactions()).find(each => each.transactionalId === transactionalId)
    const writer = await h.port.openWriter({ transactionalId, transactionTimeoutMs: 30_000 })
    assert.equal((await stateNow())?.state, 'Empty')
    await h.write(topic, ['before'], { partition: 1 })
    await append(writer, topic, ['x'], 1)
    const open = await stateNow()
    assert.equal(open?.state, 'Ongoing')
    assert.equal(open.timeoutMs, 30_000)
    assert.deepEqual(open.partitions, [{ topic, partition: 1 }])
    const { producerId, producerEpoch } = open
    const place = { topic, partition: 1, producerId }
    assert.deepEqual(await admin.openTransactions(topic), [
      { ...place, producerEpoch, firstOffset: 1, transactionalId },
    ])
    await refuses('INVALID_TXN_STATE', admin.abortTransaction(place))
    await admin.abortTransaction({ transactionalId })
    await refuses('PRODUCER_FENCED', writer.commit())
    await eventually(h, async () => (await stateNow())?.state === 'CompleteAbort')
    assert.deepEqual(await admin.openTransactions(topic), [])
    assert.deepEqual(await h.values(topic, { partition: 1 }), ['before'])
    await refuses('INVALID_TXN_STATE', admin.abortTransaction({ transactionalId }))
    await refuses('INVALID_TXN_STATE', admin.abortTransaction(place))
    await refuses('INVALID_PRODUCER_ID_MAPPING', admin.abortTransaction({ transactionalId: h.name('none') }))
    await refuses('UNKNOWN_TOPIC', admin.openTransactions(h.name('none')))
    await writer.close()
  },

  async 'offsets commit with the data, or not at all'(h) {
    const topic = await h.topic(2)
    const group = h.name('group')
    const writer = await h.port.openWriter({ transactionalId: h.name('writer') })
    const offsets = (
      offset: number,
    ): { group: string; offsets: { topic: string; partition: number; offset: number }[] } => ({
      group,
      offsets: [0, 1].map(partition => ({ topic, partition, offset })),
    })
    await append(writer, topic, ['a'])
    await writer.commit(offsets(5))
    assert.equal(await h.committed(group, topic, 1), 5)
    await append(writer, topic, ['x'])
    await writer.abort()
    assert.equal(await h.committed(group, topic, 1), 5)
    await writer.commit(offsets(7))
    assert.equal(await h.committed(group, topic, 0), 7)
    await writer.close()
  },

  async 'a reader that sees the offsets of a transaction sees its data'(h) {
    const topic = await h.topic()
    const group = h.name('group')
    const writer = await h.port.openWriter({ transactionalId: h.name('writer') })
    for (let round = 1; round <= 20; round += 1) {
      await append(writer, topic, [`${round}`])
      const committing = writer.commit({ group, offsets: [{ topic, partition: 0, offset: round }] })
      const committed = (await h.committed(group, topic)) ?? 0
      assert(committed === round || committed === round - 1)
      if (committed === round) await eventually(h, async () => (await h.values(topic)).length === round)
      await committing
    }
    await writer.close()
  },

  async 'after a crash committed records are there, and those of open transactions are not'(h) {
    const topic = await h.topic(2)
    const group = h.name('group')
    const transactionalId = h.name('writer')
    const writer = await h.port.openWriter({ transactionalId })
    for (let round = 1; round <= 3; round += 1) {
      for (const partition of [0, 1]) await append(writer, topic, [`${round}`], partition)
      await writer.commit({ group, offsets: [{ topic, partition: 0, offset: round, metadata: `m${round}` }] })
    }
    for (const partition of [0, 1]) await append(writer, topic, ['open'], partition)
    await h.crash()
    for (const partition of [0, 1]) assert.deepEqual(await h.values(topic, { partition }), ['1', '2', '3'])
    const [committed] = await h.port.committedOffsets(group, [{ topic, partition: 0 }])
    assert.deepEqual(committed, { topic, partition: 0, offset: 3, metadata: 'm3' })
    // Nothing holds the readable end back, and the same id continues.
    const again = await h.port.openWriter({ transactionalId })
    for (const partition of [0, 1]) await append(again, topic, ['4'], partition)
    await again.commit()
    for (const partition of [0, 1]) {
      await eventually(h, async () => (await h.values(topic, { partition })).length === 4)
      assert.deepEqual(await h.values(topic, { partition }), ['1', '2', '3', '4'])
    }
    await again.close()
  },
}
