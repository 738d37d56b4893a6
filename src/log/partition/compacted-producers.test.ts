/** What compaction leaves of producers, where their snapshots are lost or old. */
import { deepEqual, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { failsWith } from '../log.test-support.ts'
import { batchesOf, batchOf, world } from './compacted.test-support.ts'

describe('producers of a compacted partition', () => {
  it('keeps the last sequence of a producer, through the loss of its snapshots', async () => {
    const { partition, roll, reopenWithout } = await world()
    const stamp = { producerId: 5, producerEpoch: 0, baseSequence: 0 }
    await partition.append(
      batchOf(
        [
          ['a', '1'],
          ['a', '2'],
        ],
        stamp,
      ),
    ).durable
    await partition.append(batchOf([['a', '3']])).durable
    await roll()
    await partition.compaction.clean()
    deepEqual((await batchesOf(partition)).slice(0, 2), ['0-1: ', '2-2: 2=a'])
    const again = await reopenWithout(/snapshot|digest/)
    ok(
      again.append(
        batchOf(
          [
            ['a', '1'],
            ['a', '2'],
          ],
          stamp,
        ),
      ).duplicate,
    )
  })

  it('keeps the last safe sequence of a producer that appends more while a pass begins', async () => {
    const { partition, roll } = await world()
    const first = { producerId: 5, producerEpoch: 0, baseSequence: 0 }
    await partition.append(batchOf([['a', '1']], first)).durable
    await partition.append(batchOf([['a', '2']])).durable
    await roll()
    const sync = partition.sync.bind(partition)
    const appended: Promise<void>[] = []
    // More batches than are remembered of a producer, which a full disk may still take back.
    partition.sync = async () => {
      await sync()
      for (let baseSequence = 1; baseSequence < 7; baseSequence += 1)
        appended.push(partition.append(batchOf([['b', '1']], { ...first, baseSequence })).durable)
    }
    ok(await partition.compaction.clean())
    await Promise.all(appended)
    deepEqual((await batchesOf(partition)).slice(0, 2), ['0-0: ', '1-1: 1=a'])
  })

  it('keeps the epoch of a producer that has only ended a transaction in it', async () => {
    const { partition, clock, roll, reopenWithout } = await world()
    const stamp = { producerId: 5, producerEpoch: 0, baseSequence: 0, transactional: true }
    partition.append(batchOf([['a', '1']], stamp))
    partition.appendMarker({ type: 'commit', producerId: 5, producerEpoch: 1, coordinatorEpoch: 0 })
    await partition.append(batchOf([['a', '2']])).durable
    for (const passed of [0, 0, 1000, 0]) {
      await clock.advance(passed)
      await roll()
      await partition.compaction.clean()
    }
    deepEqual((await batchesOf(partition)).slice(0, 2), ['1-1 marker: ', '2-2: 2=a'])
    const again = await reopenWithout(/snapshot|digest/)
    await failsWith('PRODUCER_FENCED', () =>
      again.append(batchOf([['a', '3']], { ...stamp, baseSequence: 1 })),
    )
    await failsWith('OUT_OF_ORDER_SEQUENCE', () =>
      again.append(batchOf([['a', '3']], { ...stamp, producerEpoch: 1, baseSequence: 1 })),
    )
  })

  it('knows that a transaction has ended whose marker is gone, though a snapshot has it as open', async () => {
    const { partition, clock, roll, reopen, reopenWithout } = await world()
    const stamp = { producerId: 5, producerEpoch: 0, baseSequence: 0, transactional: true }
    partition.append(batchOf([['a', 'aborted']], stamp))
    await partition.append(batchOf([['b', 'x'.repeat(400)]])).durable
    // Here a snapshot says that the transaction is open.
    await partition.roll()
    partition.appendMarker({ type: 'abort', producerId: 5, producerEpoch: 0, coordinatorEpoch: 0 })
    await partition.append(batchOf([['c', 'x'.repeat(400)]])).durable
    await partition.deleteRecords(2)
    for (const passed of [0, 1000]) {
      await clock.advance(passed)
      await roll()
      await partition.compaction.clean()
    }
    deepEqual((await batchesOf(partition)).slice(0, 1), ['3-3: 3=c'])
    for (const isOpen of [false, true]) {
      const log = await reopen()
      if (isOpen) log.append(batchOf([['d', 'open']], { ...stamp, baseSequence: 1 }))
      await log.sync()
      const again = await reopenWithout(/digest/)
      const open = again.openTransactions.map(({ firstOffset }) => firstOffset)
      deepEqual(open, isOpen ? [again.logEndOffset - 1] : [])
    }
  })
})
