/** Transactions of clients over clean stops and crashes, by the coordinator's typed calls. */
import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { test } from 'node:test'
import type { Partition } from '../../log/index.ts'
import { stateOf } from '../../port/conformance/harness.ts'
import type { ProducerIdentity } from '../../port/index.ts'
import {
  anyState,
  client,
  openParts,
  raised,
  rejectsCode,
  throwsCode,
  type TransactionParts,
  valuesAfterReopening,
  versions,
  write,
} from './transaction-parts.test-support.ts'
import { transactionRecord, transactionStatus } from './transaction-records.ts'
import type { TransactionVersion } from './transactional-id.ts'

/** A client that has written one record in its first transaction. */
async function begun(version: TransactionVersion) {
  const parts = await openParts()
  const calls = client(parts, version)
  const identity = await calls.init()
  await calls.add(identity, parts.p0)
  await write(parts.p0, identity, 'a')
  return { parts, identity, ...calls }
}

/** The same client of the next process. */
async function reopened({ disk }: TransactionParts, version: TransactionVersion) {
  const parts = await openParts(disk)
  return { parts, ...client(parts, version) }
}

/** After a crash, in which what was not synced is lost. */
function crashed(parts: TransactionParts, version: TransactionVersion) {
  parts.disk.crash()
  return reopened(parts, version)
}

test('a clean stop keeps the transaction of a client, which ends it after the restart', async () => {
  for (const version of versions)
    for (const outcome of ['commit', 'abort'] as const) {
      const { parts, identity, add } = await begun(version)
      await add(identity, parts.offsets.partition)
      const place = { topic: 't', partition: 0 }
      await parts.offsets.commitInTransaction(identity, { group: 'g', offsets: [{ ...place, offset: 4 }] })
      await parts.close()
      const { parts: again, ...after } = await reopened(parts, version)
      equal(again.p0.openTransactions.length, 1)
      const committed = again.offsets.committed('g', [place])
      equal(await stateOf(committed), 'pending')
      await after.add(identity, again.p1)
      await write(again.p1, identity, 'b')
      const next = await after.end(identity, outcome)
      deepEqual(next, version === 1 ? identity : raised(identity))
      equal((await committed)[0]?.offset, outcome === 'commit' ? 4 : undefined)
      await again.close()
      for (const [partition, value] of ['a', 'b'].entries())
        deepEqual(await valuesAfterReopening(again.disk, partition), outcome === 'commit' ? [value] : [])
    }
})

test('the time-out of a transaction that a clean stop has kept continues, without the time of the stop', async () => {
  const { parts, identity } = await begun(2)
  const { clock } = parts
  await clock.advance(50_000)
  await parts.close()
  await clock.advance(1_000_000)
  const again = await openParts(parts.disk, {}, {}, clock)
  await clock.advance(9000)
  equal(again.p0.openTransactions.length, 1)
  await clock.advance(2000)
  equal(again.p0.openTransactions.length, 0)
  await rejectsCode('INVALID_TXN_STATE', client(again, 2).end(identity, 'commit'))
})

test('after a crash a client learns that its transaction is aborted, aborts it, and continues (KIP-890)', async () => {
  for (const version of versions)
    for (const isSynced of [true, false]) {
      const { parts, identity } = await begun(version)
      if (isSynced) await parts.p0.sync()
      parts.disk.crash()
      // It stays so until the client aborts, however often the log is opened.
      await (await openParts(parts.disk)).close()
      ;(await openParts(parts.disk)).disk.crash()
      const { parts: again, add, end } = await reopened(parts, version)
      equal(again.p0.openTransactions.length, 0)
      await rejectsCode('TRANSACTION_ABORTABLE', end(identity, 'commit'))
      await rejectsCode('TRANSACTION_ABORTABLE', add(identity, again.p1))
      throwsCode('TRANSACTION_ABORTABLE', () => again.transactions.verify('id', identity, again.p0))
      const next = await end(identity, 'abort')
      deepEqual(next, version === 1 ? identity : raised(identity))
      await add(next, again.p1)
      await write(again.p1, next, 'kept')
      await end(next, 'commit')
      await again.close()
      deepEqual(await valuesAfterReopening(again.disk, 0), [])
      deepEqual(await valuesAfterReopening(again.disk, 1), ['kept'])
    }
})

test('version 2: a client whose commit was not answered for a crash continues without an abort', async () => {
  for (const stop of ['none', 'clean'] as const) {
    const { parts, identity, end } = await begun(2)
    await end(identity, 'commit')
    let after = await crashed(parts, 2)
    const next = await after.end(identity, 'commit')
    deepEqual(next, raised(identity))
    if (stop === 'clean') {
      await after.parts.close()
      after = await reopened(parts, 2)
    }
    await after.add(next, after.parts.p0)
    deepEqual(await after.end(next, 'commit'), raised(identity, 2))
  }
})

test('version 2: a commit that comes late does not hide that a crash has cut the next transaction', async () => {
  const { parts, identity: first, add, end } = await begun(2)
  const second = await end(first, 'commit')
  await add(second, parts.p0)
  await write(parts.p0, second, 'first half')
  await parts.p0.sync()
  for (const stop of ['crash', 'clean'] as const) {
    const after = await crashed(parts, 2)
    deepEqual(await after.end(first, 'commit'), second)
    await rejectsCode('TRANSACTION_ABORTABLE', after.add(second, after.parts.p1))
    await rejectsCode('TRANSACTION_ABORTABLE', after.end(second, 'commit'))
    if (stop === 'clean') deepEqual(await after.end(second, 'abort'), raised(first, 2))
  }
})

/** Puts a later epoch of a producer into a partition, of which an older copy of the log does not know. */
function putAhead(partition: Partition, identity: ProducerIdentity): Promise<void> {
  return partition.appendMarker({ type: 'abort', ...raised(identity, 9), coordinatorEpoch: 0 }).durable
}

test('a producer can register where an older copy of the log leaves its transaction open', async () => {
  const { parts, identity } = await begun(2)
  await putAhead(parts.p1, identity)
  await parts.close()
  const { parts: again, ...after } = await reopened(parts, 2)
  const next = await after.init()
  notEqual(next.producerId, identity.producerId)
  await after.add(next, again.p0)
  await again.close()
  deepEqual(await valuesAfterReopening(again.disk, 0), [])
})

test('version 2: an identity that an older copy of the transaction log leaves is fenced, also after a repeated commit', async () => {
  const { parts, identity, end } = await begun(2)
  await end(identity, 'commit')
  await putAhead(parts.p0, identity)
  const after = await crashed(parts, 2)
  const next = await after.end(identity, 'commit')
  await rejectsCode('PRODUCER_FENCED', after.add(next, after.parts.p0))
  await rejectsCode('PRODUCER_FENCED', after.end(next, 'abort'))
  equal((await after.init()).producerEpoch, 0)
})

test('version 1: a commit whose answer a crash has cut off is answered, not taken for the next one', async () => {
  const { parts, identity, end } = await begun(1)
  await end(identity, 'commit')
  const after = await crashed(parts, 1)
  deepEqual(await after.end(identity, 'commit'), identity)
  await after.add(identity, after.parts.p0)
  await write(after.parts.p0, identity, 'b', 1)
  const third = await crashed(parts, 1)
  await rejectsCode('TRANSACTION_ABORTABLE', third.end(identity, 'commit'))
})

test('version 1: recovery tells the transaction that is committed from the next one of its epoch', async () => {
  const identity = { producerId: 900, producerEpoch: 4 }
  for (const isNext of [false, true]) {
    const { disk, log, p0, p1, stateLog } = await openParts()
    await write(p0, identity, 'a')
    if (isNext) await p0.appendMarker({ type: 'commit', ...identity, coordinatorEpoch: 0 }).durable
    if (isNext) await write(p0, identity, 'b', 1)
    await write(p1, identity, 'c')
    await log.syncAll([p0, p1])
    const value = {
      ...anyState,
      ...identity,
      status: transactionStatus.prepareCommit,
      // The other partition had no part in it.
      partitions: [{ topic: 't', partition: 0, endOffset: 1 }],
      version: 1,
      isClient: true,
    }
    await stateLog.append([transactionRecord('id', value)]).durable
    disk.crash()
    deepEqual(await valuesAfterReopening(disk, 0), ['a'])
    deepEqual(await valuesAfterReopening(disk, 1), [])
  }
})

test('the first transaction of version 2 after one of version 1 is known to a crash', async () => {
  const { parts, identity, end } = await begun(1)
  await end(identity, 'commit')
  await client(parts, 2).add(identity, parts.p0)
  await write(parts.p0, identity, 'b', 1)
  const { parts: again, ...version2 } = await crashed(parts, 2)
  await rejectsCode('TRANSACTION_ABORTABLE', version2.add(identity, again.p0))
  const next = await version2.end(identity, 'abort')
  // From now on nothing is written at the beginning.
  const { logEndOffset } = again.stateLog.partition
  await version2.add(next, again.p0)
  equal(again.stateLog.partition.logEndOffset, logEndOffset)
})
