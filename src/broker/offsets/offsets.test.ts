/** Which offset of a group counts, where commits, deletions and transactions meet. */
import { deepEqual, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../../test/is-code.ts'
import { seededRandom } from '../../base/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { Broker } from '../broker.ts'

const at = (offset: number) => ({ topic: 't', partition: 0, offset })
const producer = { producerId: 77, producerEpoch: 3 }
const changes: Readonly<Record<string, (broker: Broker) => Promise<void>>> = {
  commit: broker => broker.groupOffsets.commit({ group: 'g', offsets: [at(7)] }),
  reset: broker => broker.groupOffsets.set('g', [at(7)]),
  deletion: broker => broker.groupOffsets.set('g', []),
  'deletion of offsets': broker => broker.admin.deleteOffsets('g', [at(0)]),
}

for (const [name, change] of Object.entries(changes))
  for (const transactionIsFirst of [true, false])
    test(`of a ${name} and a transaction that is ${transactionIsFirst ? 'older' : 'newer'} the newer one counts`, async () => {
      const disk = new SimulatedDisk()
      const open = () => Broker.open('/data', { disk, clock: virtualClock(), random: seededRandom(1) })
      const broker = await open()
      await broker.createTopic('t', { partitions: 1 })
      await broker.groupOffsets.commit({ group: 'g', offsets: [at(1)] })
      const { offsets } = broker
      const steps = [
        () => offsets.commitInTransaction(producer, { group: 'g', offsets: [at(5)] }),
        () => change(broker),
      ]
      // Both are in flight at once.
      await Promise.all((transactionIsFirst ? steps : steps.toReversed()).map(step => step()))
      const marker = { ...producer, type: 'commit', coordinatorEpoch: 0 } as const
      await offsets.partition.appendMarker(marker).durable
      offsets.ended(producer.producerId, 'commit')
      const expected = !transactionIsFirst ? [at(5)] : name.startsWith('deletion') ? [] : [at(7)]
      deepEqual(offsets.of('g'), expected)
      await broker.close()
      const again = await open()
      deepEqual(again.offsets.of('g'), expected)
      await again.close()
    })

test('of two transactions the offset that is later in the log counts, whichever marker is last', async () => {
  for (const outcomes of [
    { 2: 'commit', 1: 'commit' },
    { 1: 'commit', 2: 'commit' },
    { 2: 'abort', 1: 'commit' },
  ] as const)
    for (const order of [Object.keys(outcomes), Object.keys(outcomes).toReversed()]) {
      const disk = new SimulatedDisk()
      const open = () => Broker.open('/data', { disk, clock: virtualClock(), random: seededRandom(1) })
      const broker = await open()
      await broker.createTopic('t', { partitions: 1 })
      const { offsets } = broker
      for (const producerId of [1, 2])
        await offsets.commitInTransaction(
          { producerId, producerEpoch: 0 },
          { group: 'g', offsets: [at(producerId)] },
        )
      for (const producerId of order.map(Number) as (1 | 2)[]) {
        const type = outcomes[producerId]
        await offsets.partition.appendMarker({ producerId, producerEpoch: 0, type, coordinatorEpoch: 0 })
          .durable
        offsets.ended(producerId, type)
      }
      const expected = [at(outcomes[2] === 'commit' ? 2 : 1)]
      deepEqual(offsets.of('g'), expected)
      await broker.close()
      const again = await open()
      deepEqual(again.offsets.of('g'), expected)
      await again.close()
    }
})

for (const [name, change] of Object.entries(changes))
  test(`a transaction that is committed while an older ${name} becomes durable counts`, async () => {
    const disk = new SimulatedDisk()
    const broker = await Broker.open('/data', { disk, clock: virtualClock(), random: seededRandom(1) })
    await broker.createTopic('t', { partitions: 1 })
    await broker.groupOffsets.commit({ group: 'g', offsets: [at(1)] })
    const { offsets } = broker
    const changing = change(broker)
    const written = offsets.commitInTransaction(producer, { group: 'g', offsets: [at(9)] })
    offsets.ended(producer.producerId, 'commit')
    await Promise.all([changing, written])
    deepEqual(offsets.of('g'), [at(9)])
  })

test('offsets in flight are deleted, with those that were committed; a later commit counts', async () => {
  const disk = new SimulatedDisk()
  const open = () => Broker.open('/data', { disk, clock: virtualClock(), random: seededRandom(1) })
  const broker = await open()
  await broker.createTopic('t', { partitions: 2 })
  await broker.groupOffsets.commit({ group: 'g', offsets: [at(1)] })
  const other = { ...at(4), partition: 1 }
  await Promise.all([
    broker.groupOffsets.commit({ group: 'g', offsets: [at(2), { ...at(3), partition: 1 }] }),
    broker.admin.deleteOffsets('g', [at(0), other]),
    broker.groupOffsets.commit({ group: 'g', offsets: [other] }),
  ])
  deepEqual(broker.offsets.of('g'), [other])
  await broker.close()
  const again = await open()
  deepEqual(again.offsets.of('g'), [other])
  await again.close()
})

test('names and metadata that UTF-8 or the format cannot hold are refused, and nothing is committed', async () => {
  const disk = new SimulatedDisk()
  const broker = await Broker.open('/data', { disk, clock: virtualClock(), random: seededRandom(1) })
  await broker.createTopic('t', { partitions: 1 })
  const transactionalId = 'id'
  const client = {
    transactionalId,
    version: 2,
    identity: await broker.clientTransactions.init({ transactionalId, timeoutMs: 60_000 }),
  } as const
  const calls = {
    commit: (group: string, metadata: string) =>
      broker.groupOffsets.commit({ group, offsets: [{ ...at(1), metadata }] }),
    reset: (group: string, metadata: string) => broker.groupOffsets.set(group, [{ ...at(1), metadata }]),
    transaction: (group: string, metadata: string) =>
      broker.clientTransactions.commitOffsets(client, { group, offsets: [{ ...at(1), metadata }] }),
  }
  const refused = isCode('INVALID_ARGUMENT', /32767 bytes of UTF-8/)
  for (const call of Object.values(calls))
    for (const text of ['\ud800', 'a\udc00b', 'x'.repeat(0x8000), 'é'.repeat(0x4000)]) {
      await rejects(call(text, ''), refused)
      await rejects(call('g', text), refused)
    }
  // Kafka takes the empty name, but of no member and in no transaction.
  await rejects(calls.transaction('', ''), isCode('INVALID_ARGUMENT', /name of a group is empty/))
  deepEqual(broker.groupOffsets.list(), [])
  await calls.commit('', '')
  await calls.transaction('é'.repeat(0x3fff), '\u{1f600}')
  await broker.close()
})
