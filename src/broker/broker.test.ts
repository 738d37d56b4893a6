import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../base/index.ts'
import { batchOf, failsWith } from '../log/log.test-support.ts'
import { SimulatedDisk } from '../testing/simulated-disk.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import type { OpenWriter } from './apps.ts'
import { Broker } from './broker.ts'
import type { Entrance } from './entrances.ts'

const opened = async (disk: SimulatedDisk = new SimulatedDisk()): Promise<Broker> =>
  Broker.open('/data', { disk: disk.session(), clock: virtualClock(), random: seededRandom(1) })

/** Writes down what the broker asks of it. */
class TestEntrance implements Entrance {
  readonly asked: string[] = []
  readonly writers: OpenWriter[] = []
  readonly #broker: Broker

  constructor(broker: Broker) {
    this.#broker = broker
  }
  async leaveGroups(): Promise<void> {}
  topicDeleted(topic: string): void {
    this.asked.push(`deleted ${topic}`)
  }
  topicGrown(topic: string): void {
    this.asked.push(`grown ${topic}`)
  }
  openWriters(): Iterable<OpenWriter> {
    return this.writers
  }
  /** Writers still end their transactions. */
  async close(): Promise<void> {
    const { durable } = this.#broker.partition('kept', 0).append(batchOf(['last']))
    await durable
    this.asked.push('closed')
  }
}

function entranceOf(broker: Broker): TestEntrance {
  const entrance = new TestEntrance(broker)
  broker.attach(entrance)
  return entrance
}

test('every entrance learns of a deletion, and is closed while the log still takes batches', async () => {
  const disk = new SimulatedDisk()
  const broker = await opened(disk)
  const entrances = [entranceOf(broker), entranceOf(broker)]
  for (const topic of ['kept', 'gone']) await broker.createTopic(topic, { partitions: 1 })
  await broker.deleteTopic('gone')
  await broker.close()
  for (const { asked } of entrances) deepEqual(asked, ['grown kept', 'grown gone', 'deleted gone', 'closed'])
  const again = await opened(disk)
  equal(again.partition('kept', 0).logEndOffset, 2)
})

test('an app with a writer at any entrance is not deleted', async () => {
  const broker = await opened()
  entranceOf(broker)
  const { writers } = entranceOf(broker)
  await broker.createTopic('app-state', { partitions: 1, app: 'app' })
  writers.push({ app: 'app', transactionalId: undefined })
  await failsWith('GROUP_NOT_EMPTY', broker.deleteApp('app'))
  writers.pop()
  equal(await broker.deleteApp('app'), true)
  equal(await broker.deleteApp('app'), false)
})

test('each id is given to one producer, whatever happens in between', async () => {
  const disk = new SimulatedDisk()
  const ids = new Set<number>()
  for (let start = 0; start < 3; start += 1) {
    const broker = await opened(disk)
    for (const transactionalId of [undefined, `id ${start}`, undefined])
      ids.add(
        (
          await (transactionalId === undefined
            ? broker.newProducer()
            : broker.transactions.init({ transactionalId, timeoutMs: 60_000 }))
        ).producerId,
      )
    disk.crash()
  }
  equal(ids.size, 9)
})

test('a closed broker refuses every call', async () => {
  const broker = await opened()
  await broker.createTopic('t', { partitions: 1 })
  await broker.close()
  await failsWith('CLOSED', broker.createTopic('u', { partitions: 1 }))
  await failsWith('CLOSED', () => broker.listTopics(false))
  await failsWith('CLOSED', broker.newProducer())
  await failsWith('CLOSED', broker.groupOffsets.commit({ group: 'g', offsets: [] }))
  await failsWith('CLOSED', broker.groupOffsets.committed('g', []))
  await failsWith('CLOSED', broker.offsetAt('t', 0, 'latest', 'read_committed'))
})
