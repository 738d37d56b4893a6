/** Transactions of clients, by the coordinator's typed calls: both versions, and calls that are repeated. */
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
