/** Tools on transactions (KIP-664): one that hangs, and looks beside the process that writes. */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../src/base/index.ts'
import { Broker } from '../../src/broker/broker.ts'
import { ReadOnlyLog } from '../../src/broker/index.ts'
import { batch, refuses, stateOf } from '../../src/port/conformance/harness.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { virtualClock } from '../../src/testing/virtual-clock.ts'

const place = { topic: 't', partition: 0 }

async function opened() {
  const disk = new SimulatedDisk()
  const clock = virtualClock(1_000_000)
  const broker = await Broker.open('/data', { disk: disk.session(), clock, random: seededRandom(1) })
  await broker.createTopic('t', { partitions: 1 })
  return { disk, clock, broker, partition: broker.partition('t', 0) }
}

test('a transaction that no transactional id has is seen and aborted, and readers continue', async () => {
  const { broker, partition } = await opened()
  const stamp = { producerId: 77, producerEpoch: 3, baseSequence: 0, transactional: true }
  await partition.append(batch(['hangs']).build(stamp)).written
  await partition.append(batch(['after']).build({})).durable
  equal(await broker.offsetAt('t', 0, 'latest', 'read_committed'), 0)
  const open = await broker.admin.openTransactions()
  deepEqual(open, [{ ...place, producerId: 77, producerEpoch: 3, firstOffset: 0 }])
  await refuses('INVALID_TXN_STATE', broker.admin.abortTransaction({ ...place, producerId: 78 }))
  await broker.admin.abortTransaction({ ...place, producerId: 77 })
  deepEqual(await broker.admin.openTransactions(), [])
  equal(await broker.offsetAt('t', 0, 'latest', 'read_committed'), 3)
  await broker.close()
})

test('a transaction hangs where its transactional id does not know of it', async () => {
  const { broker, partition } = await opened()
  const identity = await broker.transactions.init({ transactionalId: 'id', timeoutMs: 60_000 })
  const stamp = { ...identity, baseSequence: 0, transactional: true }
  await partition.append(batch(['hangs']).build(stamp)).written
  const { producerId, producerEpoch } = identity
  const place0 = { ...place, producerId }
  deepEqual(await broker.admin.openTransactions(), [{ ...place0, producerEpoch, firstOffset: 0 }])
  await refuses('INVALID_TXN_STATE', broker.admin.abortTransaction({ transactionalId: 'id' }))
  await broker.admin.abortTransaction(place0)
  deepEqual(await broker.admin.openTransactions(), [])
  await broker.close()
})

test('committed offsets that hang are given up with their transaction: lookups of the group continue', async () => {
  const { broker } = await opened()
  const offsets = [{ ...place, offset: 5 }]
  await broker.offsets.commitInTransaction({ producerId: 77, producerEpoch: 3 }, { group: 'g', offsets })
  const committed = broker.groupOffsets.committed('g', [place])
  equal(await stateOf(committed), 'pending')
  await broker.admin.abortTransaction({ topic: '__consumer_offsets', partition: 0, producerId: 77 })
  deepEqual(await committed, [undefined])
  await broker.close()
})

test('a read-only log shows transactions of clients and of writers as they are on the disk', async () => {
  const { disk, clock, broker, partition } = await opened()
  const identities = await Promise.all(
    [true, false].map(isClient =>
      broker.transactions.init({
        transactionalId: isClient ? 'client' : 'writer',
        timeoutMs: 60_000,
        isClient,
      }),
    ),
  )
  for (const [n, transactionalId] of ['client', 'writer'].entries()) {
    const stamp = { ...identities[n]!, baseSequence: 0, transactional: true }
    broker.transactions.enlist(transactionalId, identities[n]!, partition)
    await partition.append(batch([transactionalId]).build(stamp)).written
  }
  await partition.sync()
  const log = await ReadOnlyLog.open('/data', { disk, clock })
  const states = async () =>
    (await log.admin.listTransactions()).map(({ transactionalId, state }) => `${transactionalId} ${state}`)
  deepEqual((await states()).toSorted(), ['client Ongoing', 'writer Ongoing'])
  deepEqual(await log.admin.openTransactions('t'), await broker.admin.openTransactions('t'))
  await refuses('READ_ONLY', log.admin.abortTransaction({ transactionalId: 'client' }))
  await refuses('UNKNOWN_TOPIC', log.admin.openTransactions('none'))
  // A clean stop keeps the one of the client.
  await broker.close()
  deepEqual((await states()).toSorted(), ['client Ongoing', 'writer PrepareAbort'])
  equal((await log.admin.openTransactions()).length, 1)
  await log.close()
})
