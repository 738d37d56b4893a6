/**
 * Transactions of clients, by the coordinator's typed calls: both versions, calls that are repeated, clean
 * stops and crashes.
 */
import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { stateOf } from '../../port/conformance/harness.ts'
import type { ProducerIdentity } from '../../port/index.ts'
import {
  openParts,
  rejectsCode,
  throwsCode,
  valuesAfterReopening,
  write,
  type TransactionParts,
} from './transaction-parts.test-support.ts'
import { transactionRecord, transactionStatus } from './transaction-records.ts'
import type { TransactionVersion } from './transactional-id.ts'

const versions: readonly TransactionVersion[] = [1, 2]

/** A client of the coordinator, in one version. */
function client({ transactions }: TransactionParts, version: TransactionVersion) {
  const transactionalId = 'id'
  return {
    init: (held?: ProducerIdentity) =>
      transactions.init({
        transactionalId,
        timeoutMs: 60_000,
        isClient: true,
        version,
        ...(held && { held }),
      }),
    add: (identity: ProducerIdentity, ...partitions: TransactionParts['p0'][]) =>
      transactions.addPartitions(transactionalId, identity, partitions, version),
    end: (identity: ProducerIdentity, outcome: 'commit' | 'abort') =>
      transactions.end(transactionalId, identity, outcome, version),
  }
}

const raised = ({ producerId, producerEpoch }: ProducerIdentity, by = 1): ProducerIdentity => ({
  producerId,
  producerEpoch: producerEpoch + by,
})

test('a producer that states its identity gets the next epoch, and the same one if it asks again (KIP-360)', async () => {
  const parts = await openParts()
  const { init } = client(parts, 2)
  const first = await init()
  const second = await init(first)
  deepEqual(second, raised(first))
  deepEqual(await init(first), second)
  deepEqual(await init(second), raised(first, 2))
  await rejectsCode('PRODUCER_FENCED', init(first))
  await rejectsCode('PRODUCER_FENCED', init({ ...second, producerId: 77 }))
  const other = await init()
  deepEqual(other, raised(first, 3))
  await rejectsCode('PRODUCER_FENCED', init(raised(first, 2)))
})

test('a producer that states its identity in an open transaction aborts it, and continues', async () => {
  for (const version of versions) {
    const parts = await openParts()
    const { init, add } = client(parts, version)
    const first = await init()
    await add(first, parts.p0)
    await write(parts.p0, first, 'x')
    const second = await init(first)
    deepEqual(second, raised(first))
    deepEqual(await init(first), second)
    equal(parts.p0.openTransactions.length, 0)
    await add(second, parts.p0)
    await rejectsCode('PRODUCER_FENCED', init(first))
    equal(await stateOf(add(second, parts.p1)), 'settled')
  }
})

test('with the last epoch a producer gets a new producer id, and the same one if it asks again', async () => {
  const parts = await openParts(undefined, { id: { producerEpoch: 0x7ffe, isClient: true } })
  const { init } = client(parts, 2)
  const last = { producerId: 900, producerEpoch: 0x7ffe }
  const next = await init(last)
  deepEqual(next, { producerId: next.producerId, producerEpoch: 0 })
  notEqual(next.producerId, 900)
  deepEqual(await init(last), next)
  await rejectsCode('PRODUCER_FENCED', init({ producerId: 900, producerEpoch: 0x7ffd }))
})

for (const outcome of ['commit', 'abort'] as const) {
  const other = outcome === 'commit' ? 'abort' : 'commit'
  test(`version 2: a repeated ${outcome} gets the first answer, also after a restart`, async () => {
    for (const producerEpoch of [5, 0x7ffd]) {
      const parts = await openParts(undefined, { id: { producerEpoch, isClient: true } })
      const { init, add, end } = client(parts, 2)
      const first = await init()
      await add(first, parts.p0)
      const second = await end(first, outcome)
      if (producerEpoch === 5) deepEqual(second, raised(first))
      else equal(second.producerEpoch, 0)
      deepEqual(await end(first, outcome), second)
      await rejectsCode('INVALID_TXN_STATE', end(first, other))
      for (const stop of ['clean', 'crash'] as const) {
        if (stop === 'clean') await parts.close()
        else parts.disk.crash()
        const again = client(await openParts(parts.disk), 2)
        deepEqual(await again.end(first, outcome), second)
        await rejectsCode('INVALID_TXN_STATE', again.end(first, other))
        const isRotated = second.producerId !== first.producerId
        await rejectsCode(
          isRotated ? 'INVALID_PRODUCER_ID_MAPPING' : 'PRODUCER_FENCED',
          again.end(raised(first, -1), outcome),
        )
      }
    }
  })
}

test('version 1: the epoch stays, and a repeated end is answered in it', async () => {
  const parts = await openParts()
  const { init, add, end } = client(parts, 1)
  const identity = await init()
  await rejectsCode('INVALID_TXN_STATE', end(identity, 'commit'))
  await rejectsCode('INVALID_TXN_STATE', end(identity, 'abort'))
  for (const outcome of ['commit', 'abort'] as const) {
    await add(identity, parts.p0)
    await write(parts.p0, identity, outcome, outcome === 'commit' ? 0 : 1)
    deepEqual(await end(identity, outcome), identity)
    deepEqual(await end(identity, outcome), identity)
    await rejectsCode('INVALID_TXN_STATE', end(identity, outcome === 'commit' ? 'abort' : 'commit'))
  }
  await parts.close()
  deepEqual(await valuesAfterReopening(parts.disk, 0), ['commit'])
})

test('version 2: an abort without a transaction raises the epoch, a commit is refused', async () => {
  const parts = await openParts()
  const { init, end, add } = client(parts, 2)
  const first = await init()
  await rejectsCode('INVALID_TXN_STATE', end(first, 'commit'))
  const second = await end(first, 'abort')
  deepEqual(second, raised(first))
  deepEqual(await end(first, 'abort'), second)
  await add(second, parts.p0)
  await rejectsCode('PRODUCER_FENCED', end(first, 'abort'))
})

test('what a client adds while its transaction ends is refused as retriable', async () => {
  for (const version of versions) {
    const parts = await openParts()
    const { init, add, end } = client(parts, version)
    const identity = await init()
    await add(identity, parts.p0)
    const ending = end(identity, 'commit')
    await Promise.resolve()
    await rejectsCode('CONCURRENT_TRANSACTIONS', add(identity, parts.p1))
    throwsCode('CONCURRENT_TRANSACTIONS', () => parts.transactions.verify('id', identity, parts.p0))
    await ending
  }
})

test('a produce to a partition that was not added is refused', async () => {
  const parts = await openParts()
  const { init, add } = client(parts, 1)
  const identity = await init()
  throwsCode('INVALID_TXN_STATE', () => parts.transactions.verify('id', identity, parts.p0))
  await add(identity, parts.p0)
  parts.transactions.verify('id', identity, parts.p0)
  throwsCode('INVALID_TXN_STATE', () => parts.transactions.verify('id', identity, parts.p1))
  throwsCode('PRODUCER_FENCED', () => parts.transactions.verify('id', raised(identity), parts.p0))
  throwsCode('INVALID_PRODUCER_ID_MAPPING', () => parts.transactions.verify('other', identity, parts.p0))
})

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

test('a client whose transaction timed out cannot commit it, and continues if nobody took over', async () => {
  for (const version of versions)
    for (const isRestarted of [false, true]) {
      let parts = await openParts()
      const identity = await client(parts, version).init()
      await client(parts, version).add(identity, parts.p0)
      await write(parts.p0, identity, 'late')
      await parts.clock.advance(61_000)
      equal(parts.p0.openTransactions.length, 0)
      if (isRestarted) {
        parts.disk.crash()
        parts = await openParts(parts.disk)
      }
      const { init, add, end } = client(parts, version)
      await rejectsCode('PRODUCER_FENCED', add(identity, parts.p0))
      await rejectsCode(version === 1 ? 'PRODUCER_FENCED' : 'INVALID_TXN_STATE', end(identity, 'commit'))
      if (version === 1) await rejectsCode('PRODUCER_FENCED', end(identity, 'abort'))
      else deepEqual(await end(identity, 'abort'), raised(identity))
      const next = await init(identity)
      deepEqual(next, raised(identity))
      await add(next, parts.p0)
      await write(parts.p0, next, 'next')
      await end(next, 'commit')
      await parts.close()
      deepEqual(await valuesAfterReopening(parts.disk, 0), ['next'])
    }
})

test('a client whose transaction timed out is fenced for good once another producer took over', async () => {
  for (const version of versions) {
    const parts = await openParts()
    const { init, add, end } = client(parts, version)
    const identity = await init()
    await add(identity, parts.p0)
    await parts.clock.advance(61_000)
    deepEqual(await init(), raised(identity, 2))
    for (const outcome of ['commit', 'abort'] as const)
      await rejectsCode('PRODUCER_FENCED', end(identity, outcome))
    await rejectsCode('PRODUCER_FENCED', init(identity))
  }
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

test('version 1: the beginning that finds no room on the disk is undone', async () => {
  const parts = await openParts()
  const { init, add, end } = client(parts, 1)
  const identity = await init()
  parts.disk.failCall({ call: 1, kind: 'ENOSPC', times: 'once' })
  await rejectsCode('DISK_FULL', add(identity, parts.p0))
  await rejectsCode('INVALID_TXN_STATE', end(identity, 'commit'))
  await add(identity, parts.p0)
  deepEqual(await end(identity, 'commit'), identity)
})

test('an identity that could not be stored is not given out', async () => {
  const parts = await openParts()
  const { init, add } = client(parts, 2)
  const first = await init()
  parts.disk.failCall({ call: 1, kind: 'ENOSPC', times: 'once' })
  await rejectsCode('DISK_FULL', init(first))
  await add(first, parts.p0)
  await write(parts.p0, first, 'a')
  deepEqual(await init(first), raised(first))
})

test('a transaction does not hang before it is marked as ended, also where its producer has another id by then', async () => {
  for (const producerEpoch of [5, 0x7ffd]) {
    const { transactions, p0, p1, ...parts } = await openParts(undefined, {
      id: { producerEpoch, isClient: true },
    })
    const { init, add, end } = client({ transactions, p0, p1, ...parts }, 2)
    const identity = await init()
    await add(identity, p0)
    await write(p0, identity, 'a')
    const owners = (): unknown[] => [p0, p1].map(each => transactions.idOf(identity.producerId, each))
    deepEqual(owners(), ['id', undefined])
    await end(identity, 'commit')
    // The marker is in flight.
    deepEqual(owners(), ['id', undefined])
    await parts.clock.advance(1000)
    deepEqual(owners(), [undefined, undefined])
  }
})

test('an id that nobody has used for long is forgotten, and its producers are refused', async () => {
  const expirationMs = 60 * 60_000
  const parts = await openParts()
  const { transactions, clock, p0, disk } = parts
  const { init, add, end } = client(parts, 2)
  const first = await init()
  const open = await transactions.init({ transactionalId: 'open writer', timeoutMs: 60_000 })
  const closed = await transactions.init({ transactionalId: 'closed writer', timeoutMs: 60_000 })
  transactions.released('closed writer', closed)
  await clock.advance(expirationMs - 1000)
  await add(first, p0)
  await write(p0, first, 'a')
  const second = await end(first, 'commit')
  await clock.advance(60_000)
  deepEqual(transactions.ids(), ['id', 'open writer'])
  await rejectsCode('INVALID_PRODUCER_ID_MAPPING', transactions.end('closed writer', closed, 'abort'))
  await clock.advance(expirationMs)
  deepEqual(transactions.ids(), ['open writer'])
  await rejectsCode('INVALID_PRODUCER_ID_MAPPING', add(second, p0))
  transactions.enlist('open writer', open, p0)
  const other = await init()
  notEqual(other.producerId, second.producerId)
  disk.crash()
  deepEqual((await openParts(disk)).transactions.ids().toSorted(), ['id', 'open writer'])
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
