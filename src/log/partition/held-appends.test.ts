import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { gatedDisk } from '../../../test/gated-disk.ts'
import { MillraceError } from '../../base/index.ts'
import { stateOf } from '../../port/conformance/harness.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { batchOf, failsWith, openDirectory, valuesOf } from '../log.test-support.ts'
import type { LogDirectory } from '../log-directory.ts'
import type { LogDirectoryOptions } from '../log-directory-options.ts'
import type { AppendReceipt } from './append-receipt.ts'
import type { Partition } from './partition.ts'

/** A partition over a disk with a gate, which takes two of its batches before the third one waits. */
async function newPartition(options: Partial<LogDirectoryOptions> = {}) {
  const simulated = new SimulatedDisk()
  const { disk, ...gate } = gatedDisk(simulated)
  const pendingBytesMax = 2 * batchOf(['0']).length
  const log = await openDirectory(disk, { pendingBytesMax, ...options })
  const partition = await log.createPartition('flights', 0)
  return { simulated, gate, log, partition }
}

/** Appends batches of one record. The answer of each is 'held' while it waits, then how it ended. */
class Appends {
  readonly answers: string[] = []
  readonly #partition: Partition

  constructor(partition: Partition) {
    this.#partition = partition
  }

  async append(value: string, ends: (receipt: AppendReceipt) => Promise<void> = each => each.durable) {
    const n = this.answers.push('appended') - 1
    try {
      const turn = this.#partition.inTurn(() => this.#partition.append(batchOf([value])))
      if (turn instanceof Promise) this.answers[n] = 'held'
      const receipt = await turn
      await ends(receipt)
      this.answers[n] = `at ${receipt.baseOffset}`
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      this.answers[n] = error.code
    }
  }
}

async function settled(): Promise<void> {
  await stateOf(Promise.resolve())
}

for (const durability of ['sync', 'os'] as const)
  test(`past the bound appends wait, and continue in order, with durability ${durability}`, async () => {
    const { gate, partition } = await newPartition({ durability })
    const appends = new Appends(partition)
    gate.shut('flights-0')
    const values = ['0', '1', '2', '3', '4', '5', '6']
    const all = Promise.all(values.map(value => appends.append(value)))
    await settled()
    deepEqual(appends.answers, ['appended', 'appended', 'held', 'held', 'held', 'held', 'held'])
    equal(partition.logEndOffset, 2)
    gate.open()
    await all
    deepEqual(
      appends.answers,
      values.map(value => `at ${value}`),
    )
    deepEqual(await valuesOf(partition), values)
  })

test('a batch larger than the bound is taken when nothing is pending', async () => {
  const { partition } = await newPartition({ pendingBytesMax: 1 })
  const appends = new Appends(partition)
  await Promise.all(['a', 'b', 'c'].map(value => appends.append(value.repeat(1000))))
  deepEqual(appends.answers, ['at 0', 'at 1', 'at 2'])
})

test('an append does not overtake those that wait, when there is room again', async () => {
  const { partition } = await newPartition()
  const appends = new Appends(partition)
  const first = ['0', '1', '2', '3'].map(value => appends.append(value))
  // At each turn of the queue of promises another one comes.
  const later: Promise<void>[] = []
  for (let n = 4; n < 60; n += 1) {
    later.push(appends.append(`${n}`))
    await Promise.resolve()
  }
  await Promise.all([...first, ...later])
  deepEqual(
    await valuesOf(partition),
    Array.from({ length: 60 }, (_, n) => `${n}`),
  )
})

test('batches of transactions, which ask for no sync, are synced to make room', async () => {
  const { partition } = await newPartition()
  const producer = { producerId: 1, producerEpoch: 0, transactional: true }
  for (let n = 0; n < 20; n += 1) {
    const turn = partition.inTurn(() => partition.append(batchOf([`${n}`], { ...producer, baseSequence: n })))
    if (turn instanceof Promise) equal(await stateOf(turn), 'settled')
    await (
      await turn
    ).written
  }
  ok(partition.syncedOffset > 0, 'something was synced')
  ok(partition.logEndOffset - partition.syncedOffset <= 2, 'no more than the bound is not synced')
})

test('what waits fails with what precedes it: a full disk, and the partition continues', async () => {
  const { simulated, gate, partition } = await newPartition()
  const appends = new Appends(partition)
  gate.shut('flights-0')
  const all = Promise.all(['0', '1', '2', '3'].map(value => appends.append(value)))
  await settled()
  simulated.failCall({ call: 1, kind: 'ENOSPC', times: 'once' })
  gate.open()
  await all
  deepEqual(appends.answers, ['DISK_FULL', 'DISK_FULL', 'DISK_FULL', 'DISK_FULL'])
  await appends.append('again')
  deepEqual(await valuesOf(partition), ['again'])
})

test('what waits fails with what precedes it: a disk that failed', async () => {
  const { simulated, gate, partition } = await newPartition()
  const appends = new Appends(partition)
  gate.shut('flights-0')
  const all = Promise.all(['0', '1', '2', '3'].map(value => appends.append(value)))
  await settled()
  simulated.failCall({ call: 1, kind: 'EIO', times: 'once' })
  gate.open()
  await all
  deepEqual(
    appends.answers,
    Array.from({ length: 4 }, () => 'PARTITION_POISONED'),
  )
  await failsWith('PARTITION_POISONED', () => partition.inTurn(() => partition.append(batchOf(['late']))))
})

for (const { ends, how } of [
  { ends: 'is deleted', how: (log: LogDirectory) => log.deletePartition('flights', 0) },
  { ends: 'is closed', how: (log: LogDirectory) => log.close() },
])
  test(`what waits in a partition that ${ends} is told, and leaves nothing`, async () => {
    const { gate, log, partition } = await newPartition()
    const appends = new Appends(partition)
    gate.shut('flights-0')
    const all = Promise.all(['0', '1', '2', '3'].map(value => appends.append(value)))
    await settled()
    const ended = how(log)
    await settled()
    gate.open()
    await Promise.all([all, ended])
    deepEqual(appends.answers.slice(2), ['CLOSED', 'CLOSED'])
    equal(partition.logEndOffset, 2)
  })

test('markers do not wait', async () => {
  const { gate, partition } = await newPartition()
  const appends = new Appends(partition)
  gate.shut('flights-0')
  const all = Promise.all(['0', '1', '2'].map(value => appends.append(value)))
  await settled()
  const marker = { type: 'abort', producerId: 1, producerEpoch: 0, coordinatorEpoch: 0 } as const
  equal(partition.appendMarker(marker).baseOffset, 2)
  gate.open()
  await all
  deepEqual(appends.answers, ['at 0', 'at 1', 'at 3'])
})
