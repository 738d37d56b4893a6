/**
 * The coordinator's own rules, below what LogPort can show: epochs, late calls, recovery from every point of
 * a commit.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stride } from '../../../test/scale.ts'
import { isMillraceError, MillraceError } from '../../base/index.ts'
import { batch, stateOf } from '../../port/conformance/harness.ts'
import type { ProducerIdentity } from '../../port/index.ts'
import {
  anyState,
  openParts as parts,
  rejectsCode,
  throwsCode,
  valuesAfterReopening,
  write,
} from './transaction-parts.test-support.ts'
import { transactionRecord, transactionStatus } from './transaction-records.ts'

test('each end raises the epoch: what comes late cannot join the next transaction', async () => {
  const { transactions, p0 } = await parts()
  const first = await transactions.init({ transactionalId: 'id', timeoutMs: 60_000 })
  transactions.enlist('id', first, p0)
  await write(p0, first, 'a')
  const second = await transactions.end('id', first, 'commit')
  assert.deepEqual(second, { producerId: first.producerId, producerEpoch: first.producerEpoch + 1 })
  transactions.enlist('id', second, p0)
  await write(p0, second, 'b')
  // A produce and an end of the first transaction that were in flight for long.
  throwsCode('PRODUCER_FENCED', () => transactions.enlist('id', first, p0))
  throwsCode('PRODUCER_FENCED', () =>
    p0.append(batch(['late']).build({ ...first, baseSequence: 1, transactional: true })),
  )
  await rejectsCode('PRODUCER_FENCED', transactions.end('id', first, 'commit'))
  await rejectsCode('PRODUCER_FENCED', transactions.end('id', first, 'abort'))
  assert.equal(p0.openTransactions.length, 1)
  const third = await transactions.end('id', second, 'abort')
  assert.equal(third.producerEpoch, second.producerEpoch + 1)
})

test('an append that the coordinator does not know is refused', async () => {
  const { transactions, p0 } = await parts()
  throwsCode('INVALID_PRODUCER_ID_MAPPING', () =>
    transactions.enlist('unknown', { producerId: 1, producerEpoch: 0 }, p0),
  )
  const identity = await transactions.init({ transactionalId: 'id', timeoutMs: 60_000 })
  throwsCode('PRODUCER_FENCED', () => transactions.enlist('id', { ...identity, producerId: 77 }, p0))
  transactions.enlist('id', identity, p0)
  await write(p0, identity, 'a')
  const ending = transactions.end('id', identity, 'commit')
  await Promise.resolve()
  throwsCode('CONCURRENT_TRANSACTIONS', () => transactions.enlist('id', identity, p0))
  await ending
  await rejectsCode('INVALID_TRANSACTION_TIMEOUT', transactions.init({ transactionalId: 'id', timeoutMs: 0 }))
  await rejectsCode(
    'INVALID_TRANSACTION_TIMEOUT',
    transactions.init({ transactionalId: 'id', timeoutMs: 86_400_000 }),
  )
  for (const transactionalId of ['', 'id\ud800', 'x'.repeat(0x8000)])
    await rejectsCode('INVALID_ARGUMENT', transactions.init({ transactionalId, timeoutMs: 60_000 }))
})

test('an id that has used up its epochs continues under another producer id', async () => {
  const { transactions, p0, disk, log } = await parts(undefined, { id: { producerEpoch: 32_760 } })
  let identity = await transactions.init({ transactionalId: 'id', timeoutMs: 60_000 })
  const seen: ProducerIdentity[] = []
  for (let round = 0; round < 10; round += 1) {
    seen.push(identity)
    transactions.enlist('id', identity, p0)
    await write(p0, identity, `${round}`)
    identity = await transactions.end('id', identity, 'commit')
  }
  assert.equal(new Set(seen.map(({ producerId }) => producerId)).size, 2)
  assert(seen.every(({ producerEpoch }) => producerEpoch >= 0 && producerEpoch < 0x7fff))
  assert.equal(
    new Set(seen.map(({ producerId, producerEpoch }) => `${producerId}/${producerEpoch}`)).size,
    10,
  )
  await transactions.close()
  await log.close()
  assert.deepEqual(
    await valuesAfterReopening(disk, 0),
    Array.from({ length: 10 }, (_, index) => `${index}`),
  )
})

test('a writer adds nothing while another one takes its id under a new producer id', async () => {
  const { transactions, p0 } = await parts(undefined, { id: { producerEpoch: 0x7ffc } })
  const first = await transactions.init({ transactionalId: 'id', timeoutMs: 60_000 })
  const taking = transactions.init({ transactionalId: 'id', timeoutMs: 60_000 })
  await Promise.resolve()
  throwsCode('CONCURRENT_TRANSACTIONS', () => transactions.enlist('id', first, p0))
  const second = await taking
  assert.notEqual(second.producerId, first.producerId)
  throwsCode('PRODUCER_FENCED', () => transactions.enlist('id', first, p0))
  transactions.enlist('id', second, p0)
})

test('past the commit point no commit is reported as failed, also where the epochs of an id are used up', async () => {
  let failed = 0
  for (let call = 1; call <= 40; call += stride) {
    const { transactions, p0, p1, disk, log } = await parts(undefined, { id: { producerEpoch: 32_760 } })
    let identity = await transactions.init({ transactionalId: 'id', timeoutMs: 60_000 })
    while (identity.producerEpoch < 0x7ffe) {
      transactions.enlist('id', identity, p1)
      await write(p1, identity, 'before')
      identity = await transactions.end('id', identity, 'commit')
    }
    transactions.enlist('id', identity, p0)
    await write(p0, identity, 'a')
    disk.failCall({ call, kind: 'ENOSPC', times: 'once' })
    const outcome = await transactions.end('id', identity, 'commit').then(
      () => 'committed',
      error => (isMillraceError(error, 'PARTITION_POISONED') ? 'unknown' : 'failed'),
    )
    disk.clearFailures()
    if (outcome !== 'committed') failed += 1
    await log.close().catch(() => undefined)
    disk.crash()
    const shown = await valuesAfterReopening(disk, 0)
    // The sync of the commit point itself failed: the disk may have the record, or not.
    if (outcome === 'unknown' && shown.length === 0) continue
    assert.deepEqual(shown, outcome === 'failed' ? [] : ['a'], `call ${call}`)
  }
  assert(failed > 0, 'some failed before it')
})

test('a commit point waits for the markers of the transaction before it, which only its own record explains', async () => {
  const { transactions, p0, p1, disk } = await parts()
  const first = await transactions.init({ transactionalId: 'id', timeoutMs: 60_000 })
  transactions.enlist('id', first, p0)
  await write(p0, first, 'a')
  // The marker of the first transaction finds no room for a while.
  const room = disk.sizeBytes
  const { promise: stuck, resolve: letGo } = Promise.withResolvers<void>()
  const appendMarker = p0.appendMarker.bind(p0)
  p0.appendMarker = marker => {
    const receipt = appendMarker(marker)
    return Object.create(receipt, { durable: { value: stuck.then(() => receipt.durable) } }) as typeof receipt
  }
  const second = await transactions.end('id', first, 'commit')
  assert(disk.sizeBytes > room)
  transactions.enlist('id', second, p1)
  await write(p1, second, 'b')
  const ending = transactions.end('id', second, 'commit')
  assert.equal(await stateOf(ending), 'pending')
  letGo()
  await ending
})

test('a rewrite of the transaction log keeps what its commits have decided', async () => {
  const { transactions, p0, disk, log } = await parts(undefined, {}, { segmentBytes: 200, rewriteBytes: 1 })
  const identity = await transactions.init({ transactionalId: 'id', timeoutMs: 60_000 })
  transactions.enlist('id', identity, p0)
  await write(p0, identity, 'a')
  // The marker is never written; the record of the commit is all that there is.
  const appendMarker = p0.appendMarker.bind(p0)
  const never = new Promise<void>(() => undefined)
  p0.appendMarker = () => ({ durable: never }) as unknown as ReturnType<typeof appendMarker>
  await transactions.end('id', identity, 'commit')
  // Rewrites come with the ends of others.
  for (let n = 0; n < 10; n += 1) {
    const other = await transactions.init({ transactionalId: `other ${n}`, timeoutMs: 60_000 })
    transactions.enlist(`other ${n}`, other, p0)
    await transactions.end(`other ${n}`, other, 'abort')
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  assert(log.partition('__transaction_state', 0)!.logStartOffset > 0, 'it was rewritten')
  disk.crash()
  assert.deepEqual(await valuesAfterReopening(disk, 0), ['a'])
})

test('nothing is appended while a marker is tried again: the partition would show it before its transaction ends', async () => {
  const { transactions, p0, p1 } = await parts()
  const full = new MillraceError('DISK_FULL', 'no room', { retriable: true })
  const first = await transactions.init({ transactionalId: 'id', timeoutMs: 60_000 })
  transactions.enlist('id', first, p0)
  await write(p0, first, 'a')
  const appendMarker = p0.appendMarker.bind(p0)
  p0.appendMarker = () => {
    throw full
  }
  const second = await transactions.end('id', first, 'commit')
  await new Promise(resolve => setImmediate(resolve))
  throwsCode('DISK_FULL', () => transactions.enlist('id', second, p1))
  p0.appendMarker = appendMarker
})

test('recovery: past the commit point a transaction is committed, whatever markers are missing', async () => {
  const { disk, log, p0, p1, stateLog } = await parts()
  const identity = { producerId: 900, producerEpoch: 4 }
  for (const partition of [p0, p1]) await write(partition, identity, 'a')
  await log.syncAll([p0, p1])
  const participants = [0, 1].map(partition => ({ topic: 't', partition }))
  const value = {
    ...anyState,
    producerEpoch: 5,
    status: transactionStatus.prepareCommit,
    partitions: participants,
  }
  await stateLog.append([transactionRecord('id', value)]).durable
  // One marker had made it.
  await p0.appendMarker({ type: 'commit', producerId: 900, producerEpoch: 5, coordinatorEpoch: 0 }).durable
  disk.crash()
  for (const partition of [0, 1]) assert.deepEqual(await valuesAfterReopening(disk, partition), ['a'])
})

test('recovery: before the commit point, and in the transaction after it, everything is aborted', async () => {
  const { disk, log, p0, p1, stateLog } = await parts()
  await write(p0, { producerId: 900, producerEpoch: 4 }, 'a')
  const value = {
    ...anyState,
    producerEpoch: 5,
    status: transactionStatus.prepareCommit,
    partitions: [{ topic: 't', partition: 0 }],
  }
  await stateLog.append([transactionRecord('id', value)]).durable
  p0.appendMarker({ type: 'commit', producerId: 900, producerEpoch: 5, coordinatorEpoch: 0 })
  // The next transaction, with the raised epoch, and one of an id that the transaction log does not know.
  await write(p0, { producerId: 900, producerEpoch: 5 }, 'x')
  await write(p1, { producerId: 900, producerEpoch: 5 }, 'x')
  await write(p1, { producerId: 901, producerEpoch: 0 }, 'y')
  await log.syncAll([p0, p1])
  disk.crash()
  assert.deepEqual(await valuesAfterReopening(disk, 0), ['a'])
  assert.deepEqual(await valuesAfterReopening(disk, 1), [])
})

test('recovery raises every epoch: a producer cannot continue a transaction of which parts may be gone', async () => {
  const { disk, transactions, p0 } = await parts()
  const identity = await transactions.init({ transactionalId: 'id', timeoutMs: 60_000 })
  transactions.enlist('id', identity, p0)
  await write(p0, identity, 'lost')
  disk.crash()
  const again = await parts(disk)
  throwsCode('PRODUCER_FENCED', () => again.transactions.enlist('id', identity, again.p0))
})

test('committed offsets wait for the transaction that holds newer ones', async () => {
  const { offsets, transactions } = await parts()
  const at = (offset: number) => ({ group: 'g', offsets: [{ topic: 't', partition: 0, offset }] })
  const partition = [{ topic: 't', partition: 0 }]
  await offsets.commit(at(1))
  for (const [outcome, before, pending] of [
    ['commit', 1, 5],
    ['abort', 5, 9],
  ] as const) {
    const identity = await transactions.init({ transactionalId: 'id', timeoutMs: 60_000 })
    transactions.enlist('id', identity, offsets.partition)
    await offsets.commitInTransaction(identity, at(pending))
    const asked = offsets.committed('g', partition)
    const other = await offsets.committed('g', [{ topic: 't', partition: 1 }])
    assert.deepEqual(other, [undefined])
    assert.equal(await stateOf(asked), 'pending')
    await transactions.end('id', identity, outcome)
    assert.equal((await asked)[0]?.offset, outcome === 'commit' ? pending : before)
  }
})

test('a transaction that times out is aborted once, and the next one has its own time', async () => {
  const { transactions, p0, clock } = await parts()
  const first = await transactions.init({ transactionalId: 'id', timeoutMs: 1000 })
  transactions.enlist('id', first, p0)
  await write(p0, first, 'a')
  await clock.advance(900)
  const second = await transactions.end('id', first, 'commit')
  transactions.enlist('id', second, p0)
  await write(p0, second, 'b')
  await clock.advance(900)
  assert.equal(p0.openTransactions.length, 1)
  await clock.advance(200)
  assert.equal(p0.openTransactions.length, 0)
  await rejectsCode('PRODUCER_FENCED', transactions.end('id', second, 'commit'))
})
