/** Transactions of clients over clean stops and crashes, by the coordinator's typed calls. */
import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { stateOf } from '../../port/conformance/harness.ts'
import {
  client,
  openParts,
  raised,
  rejectsCode,
  throwsCode,
  valuesAfterReopening,
  versions,
  write,
} from './transaction-parts.test-support.ts'
import { transactionRecord, transactionStatus } from './transaction-records.ts'

test('a clean stop keeps the transaction of a client, which ends it after the restart', async () => {
  for (const version of versions)
    for (const outcome of ['commit', 'abort'] as const) {
      const parts = await openParts()
      const { init, add } = client(parts, version)
      const identity = await init()
      await add(identity, parts.p0, parts.offsets.partition)
      await write(parts.p0, identity, 'a')
      const place = { topic: 't', partition: 0 }
      await parts.offsets.commitInTransaction(identity, { group: 'g', offsets: [{ ...place, offset: 4 }] })
      await parts.close()
      const again = await openParts(parts.disk)
      equal(again.p0.openTransactions.length, 1)
      const committed = again.offsets.committed('g', [place])
      equal(await stateOf(committed), 'pending')
      const { add: addMore, end } = client(again, version)
      await addMore(identity, again.p1)
      await write(again.p1, identity, 'b')
      const next = await end(identity, outcome)
      deepEqual(next, version === 1 ? identity : raised(identity))
      equal((await committed)[0]?.offset, outcome === 'commit' ? 4 : undefined)
      await again.close()
      for (const [partition, value] of ['a', 'b'].entries())
        deepEqual(await valuesAfterReopening(again.disk, partition), outcome === 'commit' ? [value] : [])
    }
})

test('the time-out of a transaction that a clean stop has kept continues, without the time of the stop', async () => {
  const parts = await openParts()
  const { init, add } = client(parts, 2)
  const identity = await init()
  await add(identity, parts.p0)
  await write(parts.p0, identity, 'a')
  await parts.clock.advance(50_000)
  await parts.close()
  const { clock } = parts
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
      const parts = await openParts()
      const { init, add } = client(parts, version)
      const identity = await init()
      await add(identity, parts.p0)
      await write(parts.p0, identity, 'lost')
      if (isSynced) await parts.p0.sync()
      parts.disk.crash()
      // It stays so until the client aborts, however often the log is opened.
      await (await openParts(parts.disk)).close()
      ;(await openParts(parts.disk)).disk.crash()
      const again = await openParts(parts.disk)
      equal(again.p0.openTransactions.length, 0)
      const { add: addAgain, end } = client(again, version)
      await rejectsCode('TRANSACTION_ABORTABLE', end(identity, 'commit'))
      await rejectsCode('TRANSACTION_ABORTABLE', addAgain(identity, again.p1))
      throwsCode('TRANSACTION_ABORTABLE', () => again.transactions.verify('id', identity, again.p0))
      const next = await end(identity, 'abort')
      deepEqual(next, version === 1 ? identity : raised(identity))
      await addAgain(next, again.p1)
      await write(again.p1, next, 'kept')
      await end(next, 'commit')
      await again.close()
      deepEqual(await valuesAfterReopening(again.disk, 0), [])
      deepEqual(await valuesAfterReopening(again.disk, 1), ['kept'])
    }
})

test('version 2: a client whose commit was not answered for a crash continues without an abort', async () => {
  const parts = await openParts()
  const { init, add, end } = client(parts, 2)
  const identity = await init()
  await add(identity, parts.p0)
  await end(identity, 'commit')
  parts.disk.crash()
  const again = await openParts(parts.disk)
  const after = client(again, 2)
  const next = await after.end(identity, 'commit')
  deepEqual(next, raised(identity))
  await after.add(next, again.p0)
  deepEqual(await after.end(next, 'commit'), raised(identity, 2))
})

test('version 2: a commit that comes late does not hide that a crash has cut the next transaction', async () => {
  const parts = await openParts()
  const { init, add, end } = client(parts, 2)
  const first = await init()
  await add(first, parts.p0)
  const second = await end(first, 'commit')
  await add(second, parts.p0)
  await write(parts.p0, second, 'first half')
  await parts.p0.sync()
  parts.disk.crash()
  for (const stop of ['crash', 'clean'] as const) {
    const again = await openParts(parts.disk)
    const after = client(again, 2)
    deepEqual(await after.end(first, 'commit'), second)
    await rejectsCode('TRANSACTION_ABORTABLE', after.add(second, again.p1))
    await rejectsCode('TRANSACTION_ABORTABLE', after.end(second, 'commit'))
    if (stop === 'clean') deepEqual(await after.end(second, 'abort'), raised(first, 2))
    else parts.disk.crash()
  }
})

test('a producer can register where an older copy of the log leaves its transaction open', async () => {
  const parts = await openParts()
  const { init, add } = client(parts, 2)
  const identity = await init()
  await add(identity, parts.p0)
  await write(parts.p0, identity, 'a')
  // What the copy does not know of.
  const ahead = { type: 'abort', ...raised(identity, 9), coordinatorEpoch: 0 } as const
  await parts.p1.appendMarker(ahead).durable
  await parts.close()
  const again = await openParts(parts.disk)
  const next = await client(again, 2).init()
  notEqual(next.producerId, identity.producerId)
  await client(again, 2).add(next, again.p0)
  await again.close()
  deepEqual(await valuesAfterReopening(again.disk, 0), [])
})

test('version 2: a commit that was repeated after a crash needs no abort after a clean stop either', async () => {
  const parts = await openParts()
  const { init, add, end } = client(parts, 2)
  const identity = await init()
  await add(identity, parts.p0)
  await end(identity, 'commit')
  parts.disk.crash()
  const again = await openParts(parts.disk)
  const next = await client(again, 2).end(identity, 'commit')
  await again.close()
  const third = await openParts(parts.disk)
  const after = client(third, 2)
  await after.add(next, third.p0)
  deepEqual(await after.end(next, 'commit'), raised(identity, 2))
})

test('version 2: an identity that an older copy of the transaction log leaves is fenced, also after a repeated commit', async () => {
  const parts = await openParts()
  const { init, add, end } = client(parts, 2)
  const identity = await init()
  await add(identity, parts.p0)
  await write(parts.p0, identity, 'a')
  await end(identity, 'commit')
  // What the copy does not know of.
  const ahead = { type: 'abort', ...raised(identity, 9), coordinatorEpoch: 0 } as const
  await parts.p0.appendMarker(ahead).durable
  parts.disk.crash()
  const again = await openParts(parts.disk)
  const after = client(again, 2)
  const next = await after.end(identity, 'commit')
  await rejectsCode('PRODUCER_FENCED', after.add(next, again.p0))
  await rejectsCode('PRODUCER_FENCED', after.end(next, 'abort'))
  equal((await after.init()).producerEpoch, 0)
})

test('version 1: a commit whose answer a crash has cut off is answered, not taken for the next one', async () => {
  const parts = await openParts()
  const { init, add, end } = client(parts, 1)
  const identity = await init()
  await add(identity, parts.p0)
  await write(parts.p0, identity, 'a')
  await end(identity, 'commit')
  parts.disk.crash()
  const again = await openParts(parts.disk)
  const client1 = client(again, 1)
  deepEqual(await client1.end(identity, 'commit'), identity)
  await client1.add(identity, again.p0)
  await write(again.p0, identity, 'b', 1)
  again.disk.crash()
  const third = client(await openParts(again.disk), 1)
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
      producerId: 900,
      previousProducerId: -1,
      nextProducerId: -1,
      producerEpoch: 4,
      lastEpoch: -1,
      timeoutMs: 60_000,
      status: transactionStatus.prepareCommit,
      // The other partition had no part in it.
      partitions: [{ topic: 't', partition: 0, endOffset: 1 }],
      updatedMs: 0,
      startedMs: 0,
      version: 1,
      isClient: true,
      mustAbort: false,
    }
    await stateLog.append([transactionRecord('id', value)]).durable
    disk.crash()
    deepEqual(await valuesAfterReopening(disk, 0), ['a'])
    deepEqual(await valuesAfterReopening(disk, 1), [])
  }
})

test('the first transaction of version 2 after one of version 1 is known to a crash', async () => {
  const parts = await openParts()
  const version1 = client(parts, 1)
  const identity = await version1.init()
  await version1.add(identity, parts.p0)
  await write(parts.p0, identity, 'a')
  await version1.end(identity, 'commit')
  await client(parts, 2).add(identity, parts.p0)
  await write(parts.p0, identity, 'b', 1)
  parts.disk.crash()
  const again = await openParts(parts.disk)
  const version2 = client(again, 2)
  await rejectsCode('TRANSACTION_ABORTABLE', version2.add(identity, again.p0))
  const next = await version2.end(identity, 'abort')
  // From now on nothing is written at the beginning.
  const { logEndOffset } = again.stateLog.partition
  await version2.add(next, again.p0)
  equal(again.stateLog.partition.logEndOffset, logEndOffset)
})
