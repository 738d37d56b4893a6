import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { LogDirectory } from '../../log/index.ts'
import { failsWith } from '../../log/log.test-support.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { transactionStatus, type TransactionValue } from './transaction-records.ts'
import { anyState } from './transaction-parts.test-support.ts'
import { TransactionLog } from './transaction-log.ts'

const clock = virtualClock()

const state = (producerId: number, status: TransactionValue['status'] = 0): TransactionValue => ({
  ...anyState,
  producerId,
  producerEpoch: 3,
  timeoutMs: 60_000,
  status,
  partitions: [{ topic: 't', partition: 1 }],
  updatedMs: 5,
  startedMs: 4,
})

/** Rewritten when it has more than 1000 bytes, in segments of 400. */
async function opened(disk: SimulatedDisk = new SimulatedDisk()) {
  const directory = await LogDirectory.open('/data', { disk: disk.session(), clock, segmentBytes: 400 })
  const partition =
    directory.partition('__transaction_state', 0) ??
    (await directory.createPartition('__transaction_state', 0))
  const log = await TransactionLog.open(partition, clock, { rewriteBytes: 1000, batchBytes: 300 })
  return { disk, directory, partition, log }
}

test('the last state of each id is found again', async () => {
  const { disk, log } = await opened()
  await log.write(new Map(['a', 'b', 'c'].map((id, n) => [id, state(n)])))
  await log.write(new Map([['b', state(1, transactionStatus.prepareCommit)]]))
  await log.remove(['c'])
  disk.crash()
  const { log: again } = await opened(disk)
  deepEqual(
    again.states,
    new Map([
      ['a', state(0)],
      ['b', state(1, transactionStatus.prepareCommit)],
    ]),
  )
})

test('a state that was not written is not kept', async () => {
  const { disk, log } = await opened()
  await log.write(new Map([['a', state(0)]]))
  disk.failCall({ call: 1, kind: 'ENOSPC', times: 'once' })
  await failsWith(
    'DISK_FULL',
    log.write(
      new Map([
        ['a', state(0, transactionStatus.prepareCommit)],
        ['b', state(1)],
      ]),
    ),
  )
  deepEqual(log.states, new Map([['a', state(0)]]))
})

test('the log is as long as its states, however many are written', async () => {
  const { disk, directory, partition, log } = await opened()
  for (let n = 0; n < 100; n += 1) {
    await log.write(new Map([[`id ${n % 3}`, state(n)]]))
    await log.close()
    const bytes = partition.logEndOffset - partition.logStartOffset
    ok(bytes < 30, `${bytes} records`)
  }
  const before = new Map(log.states)
  await directory.close()
  const { log: again } = await opened(disk)
  deepEqual(again.states, before)
})

test('a damaged log says so, has no states, and is never written from them', async () => {
  const { disk, directory, log } = await opened()
  for (let n = 0; n < 6; n += 1) await log.write(new Map([[`id ${n}`, state(n)]]))
  await directory.close()
  const path = '/data/__transaction_state-0/00000000000000000000.log'
  disk.setContent(
    path,
    disk.contentOf(path)!.map((byte, at) => (at === 100 ? byte ^ 1 : byte)),
  )
  const { log: damaged, partition } = await opened(disk)
  equal(damaged.failure?.code, 'PARTITION_DAMAGED')
  equal(damaged.states.size, 0)
  equal(partition.logStartOffset, 0)
})
