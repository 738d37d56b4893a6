/**
 * Consumers with fetch sessions against what is in the log: topics are written, deleted, made again, and lose
 * their oldest records, partitions are added and forgotten, answers get lost, and responses are small.
 */
import { ok } from 'node:assert/strict'
import type { Random } from '../../src/base/index.ts'
import type { RawClient } from '../../src/broker/server/raw-client.test-support.ts'
import { batchOf } from '../../src/broker/server/server.test-support.ts'
import {
  startSimulatedServer,
  type SimulatedServer,
} from '../../src/broker/server/simulated-server.test-support.ts'
import { messages } from '../../src/wire/index.ts'
import { FetchConsumer, type Truth } from './fetch-consumer.ts'

const topics = ['a', 'b', 'c']
const partitionsPerTopic = 3
const stepsPerRun = 150
const versions = [7, 11, 12, 13, 15, 17]

class World {
  readonly #random: Random
  readonly #simulated: SimulatedServer
  /** The present life of each topic. */
  readonly truths = new Map<string, Truth[]>()
  #writer!: RawClient
  #written = 0

  constructor(random: Random, simulated: SimulatedServer) {
    this.#random = random
    this.#simulated = simulated
  }

  async start(): Promise<void> {
    this.#writer = await this.#simulated.connect()
    for (const topic of topics) await this.create(topic)
  }

  async create(topic: string): Promise<void> {
    const { port, until } = this.#simulated
    // Small segments, so that fetches cross them.
    await until(
      port.createTopic(topic, { partitions: partitionsPerTopic, configs: { 'segment.bytes': '3000' } }),
    )
    const topicId = (await until(port.describeTopic(topic)))!.id
    this.truths.set(
      topic,
      Array.from({ length: partitionsPerTopic }, (_, index) => ({
        place: { topic, topicId, index },
        values: [],
        startOffset: 0,
        isDeleted: false,
      })),
    )
  }

  async recreate(topic: string): Promise<void> {
    const { port, until } = this.#simulated
    await until(port.deleteTopic(topic))
    for (const truth of this.truths.get(topic)!) truth.isDeleted = true
    await this.create(topic)
  }

  all(): Truth[] {
    return [...this.truths.values()].flat()
  }

  any(): Truth {
    const all = this.all()
    return all[this.#random.int(all.length)]!
  }

  async write(truth: Truth): Promise<void> {
    const random = this.#random
    const values = Array.from({ length: 1 + random.int(4) }, () => {
      this.#written += 1
      return `${this.#written} ${'x'.repeat(random.int(400))}`
    })
    const { topic, index } = truth.place
    const { produce } = messages
    const { responses } = await this.#simulated.until(
      this.#writer.ask(produce, 9, {
        acks: -1,
        timeoutMs: 1000,
        topicData: [{ name: topic, partitionData: [{ index, records: batchOf(values) }] }],
      }),
    )
    ok(responses[0]!.partitionResponses[0]!.baseOffset === truth.values.length)
    truth.values.push(...values)
  }

  async deleteRecords(truth: Truth): Promise<void> {
    const { port, until } = this.#simulated
    const offset = this.#random.int(truth.values.length + 1)
    const { topic, index } = truth.place
    truth.startOffset = await until(port.admin.deleteRecords(topic, index, offset))
  }
}

/** A run from a seed; returns how many records its consumer has read. */
export async function run(random: Random): Promise<number> {
  const simulated = await startSimulatedServer(undefined, {
    random,
    net: { latencyMsMax: 1 },
    // At times without a slot for its session.
    limits: { fetchSessionsMax: random.int(5) === 0 ? 0 : 10 },
  })
  const { connect, port, server, until } = simulated
  const world = new World(random, simulated)
  await world.start()
  const consumer = new FetchConsumer(random, versions[random.int(versions.length)]!)
  let client = await connect()
  for (let step = 0; step < stepsPerRun; step += 1) {
    const truth = world.any()
    const chance = random.next()
    if (chance < 0.35) await world.write(truth)
    else if (chance < 0.42) consumer.remove(truth.place)
    else if (chance < 0.55) {
      if (!consumer.has(truth.place)) consumer.add(truth)
    } else if (chance < 0.57) await recreate(world, consumer, truth)
    else if (chance < 0.6) await world.deleteRecords(truth)
    else if (chance < 0.63) {
      await until(consumer.fetch(client, 1000, true))
      client.close()
      client = await connect()
      consumer.reconnected()
    } else await until(consumer.fetch(client, 1 + random.int(3000)))
  }
  // One batch for each fetch at the least, and one for each partition that has an error.
  let fetchesLeft = stepsPerRun + 3 * world.all().length
  for (; !consumer.isAtEnd && fetchesLeft > 0; fetchesLeft -= 1) await until(consumer.fetch(client, 1))
  ok(consumer.isAtEnd, 'the consumer gets all records')
  client.close()
  await until(port.close())
  ok(server.lentBytes === 0)
  return consumer.records
}

async function recreate(world: World, consumer: FetchConsumer, { place: { topic } }: Truth): Promise<void> {
  const before = world.truths.get(topic)!.filter(({ place }) => consumer.has(place))
  await world.recreate(topic)
  // By its id the old topic is told apart. By name, metadata tells a client, which then reads the new one.
  if (consumer.isById) return
  for (const { place } of before) {
    consumer.remove(place)
    consumer.add(world.truths.get(topic)![place.index]!)
  }
}

/**
 * One partition is written faster than it is read: the others still get their turn.
 */
export async function checkTurns(random: Random): Promise<void> {
  const simulated = await startSimulatedServer(undefined, { random, net: { latencyMsMax: 1 } })
  const { connect, port, until } = simulated
  const world = new World(random, simulated)
  await world.start()
  const consumer = new FetchConsumer(random, versions[random.int(versions.length)]!)
  const all = world.all()
  const hot = all[random.int(all.length)]!
  for (const truth of all) {
    consumer.add(truth)
    for (let n = 0; n < 3; n += 1) await world.write(truth)
  }
  const client = await connect()
  const others = all.filter(truth => truth !== hot)
  let fetches = 0
  for (; !others.every(({ place }) => consumer.isReadAll(place)); fetches += 1) {
    ok(fetches < 6 * all.length, 'every partition gets its turn')
    await world.write(hot)
    await world.write(hot)
    await until(consumer.fetch(client, 1))
  }
  client.close()
  await until(port.close())
}
