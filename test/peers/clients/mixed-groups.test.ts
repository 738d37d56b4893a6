/**
 * Groups with members of several languages at once, against millrace and against Apache Kafka: the partitions
 * are split, members come and go while records are produced, each record is read by one member once, and what
 * one language commits another one continues from. With millrace a `log.consumer` of this process joins too.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeNet } from '../../../src/base/index.ts'
import { bytes, topic as topicOf, type Consumer, type Log } from '../../../src/index.ts'
import { RawClient } from '../../../src/broker/server/raw-client.test-support.ts'
import { batchOf } from '../../../src/broker/server/server.test-support.ts'
import { startBroker, type TestBroker } from '../../../src/testing/index.ts'
import { messages } from '../../../src/wire/index.ts'
import { startKafka, type KafkaBroker } from '../kafka-broker.ts'
import {
  MemberProcess,
  type Assignor,
  type GroupMember,
  type JoinOptions,
  type MemberLanguage,
  type ReadRecord,
} from './group-members.ts'

const partitionCount = 6
const allPartitions = Array.from({ length: partitionCount }, (_, n) => n)
const patienceMs = 60_000
const pollMs = 20

/** Produces a record to each partition, again and again. */
class Production {
  /** Records in each partition. */
  count = 0
  readonly #client: RawClient
  readonly #topic: string
  readonly #done: Promise<void>
  #isStopped = false

  private constructor(client: RawClient, topic: string) {
    this.#client = client
    this.#topic = topic
    this.#done = this.#run()
  }

  /** Makes the topic, and begins. */
  static async start(bootstrap: string, topic: string): Promise<Production> {
    const [host = '', port] = bootstrap.split(':')
    const client = await RawClient.connect(nodeNet, { host, port: Number(port) })
    const { topics } = await client.ask(messages.createTopics, 7, {
      topics: [
        { name: topic, numPartitions: partitionCount, replicationFactor: 1, assignments: [], configs: [] },
      ],
      timeoutMs: patienceMs,
    })
    assert.equal(topics[0]!.errorCode, 0)
    return new Production(client, topic)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#done
  }

  /** What a group has committed for the topic. */
  async committed(groupId: string): Promise<number[]> {
    const topics = [{ name: this.#topic, partitionIndexes: allPartitions }]
    const { groups } = await this.#client.ask(messages.offsetFetch, 8, { groups: [{ groupId, topics }] })
    return groups[0]!.topics[0]!.partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex).map(
      ({ committedOffset }) => committedOffset,
    )
  }

  close(): void {
    this.#client.close()
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await this.produce()
      await sleep(pollMs)
    }
  }

  async produce(): Promise<void> {
    const records = batchOf([`${this.count}`])
    let missing = allPartitions
    while (missing.length > 0) {
      const { responses } = await this.#client.ask(messages.produce, 9, {
        acks: -1,
        timeoutMs: patienceMs,
        topicData: [{ name: this.#topic, partitionData: missing.map(index => ({ index, records })) }],
      })
      const refused = responses[0]!.partitionResponses.filter(({ errorCode }) => errorCode !== 0)
      // Apache Kafka does not lead a new partition at once.
      assert(refused.length === 0 || this.count === 0, JSON.stringify(refused))
      missing = refused.map(({ index }) => index)
    }
    this.count += 1
  }
}

/** A `log.consumer` of this process. */
class MemberHere implements GroupMember {
  readonly name = 'here'
  /** It does not say. */
  readonly partitions = undefined
  readonly records: ReadRecord[] = []
  readonly #consumer: Consumer<Uint8Array, Uint8Array>
  readonly #done: Promise<void>

  constructor(log: Log, name: string, assignor: 'range' | 'cooperative-sticky') {
    this.#consumer = log.consumer(topicOf(name, { key: bytes(), value: bytes() }), {
      group: name,
      assignors: [assignor],
    })
    this.#done = this.#read()
  }

  async leave(): Promise<void> {
    await this.#consumer.close()
    await this.#done
  }

  kill(): void {
    void this.#consumer.close()
  }

  async #read(): Promise<void> {
    for await (const { partition, offset } of this.#consumer) this.records.push({ partition, offset })
  }
}

async function until(what: () => string, isDone: () => boolean): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!isDone()) {
    assert(performance.now() < deadline, what())
    await sleep(pollMs)
  }
}

/** A group, whose members come and go while records are produced. */
class Life {
  readonly #production: Production
  readonly #how: JoinOptions
  readonly #members: GroupMember[] = []
  readonly #left: GroupMember[] = []

  constructor(production: Production, how: JoinOptions) {
    this.#production = production
    this.#how = how
  }

  /** Members in these languages join; resolves when all members share the partitions. */
  async join(...languages: readonly MemberLanguage[]): Promise<void> {
    await this.add(...languages.map(language => new MemberProcess(language, this.#how)))
  }

  async add(...members: readonly GroupMember[]): Promise<void> {
    this.#members.push(...members)
    await this.#shared()
  }

  /** One leaves; the others take over what it had. */
  async leave(name: string): Promise<void> {
    const at = this.#members.findIndex(member => member.name === name)
    const [member] = this.#members.splice(at, 1)
    this.#left.push(member!)
    await member!.leave()
    if (this.#members.length > 0) await this.#shared()
  }

  /** All that was produced was read, and once. */
  async readAll(): Promise<void> {
    const count = partitionCount * this.#production.count
    await until(
      () => `${this.#records().length} of ${count} records`,
      () => this.#records().length >= count,
    )
  }

  /** Nobody is left, each record was read by one member once, and all are committed. */
  async check(): Promise<void> {
    const times = new Map<string, number>()
    for (const { partition, offset } of this.#records()) {
      const place = `${partition}: ${offset}`
      times.set(place, (times.get(place) ?? 0) + 1)
    }
    const { count } = this.#production
    assert.deepEqual(
      [...times].filter(([, found]) => found !== 1),
      [],
    )
    assert.equal(times.size, partitionCount * count)
    assert.deepEqual(
      await this.#production.committed(this.#how.group),
      allPartitions.map(() => count),
    )
  }

  end(): void {
    for (const member of this.#members) member.kill()
    this.#production.close()
  }

  #records(): ReadRecord[] {
    return [...this.#left, ...this.#members].flatMap(({ records }) => records)
  }

  async #shared(): Promise<void> {
    const members = this.#members
    const share = partitionCount / members.length
    const said = members.filter(({ partitions }) => partitions !== undefined)
    await until(
      () => members.map(({ name, partitions }) => `${name}: ${partitions?.join() ?? 'unknown'}`).join('; '),
      () =>
        said.every(({ partitions }) => partitions!.length === share) &&
        new Set(said.flatMap(({ partitions }) => partitions!)).size === said.length * share,
    )
  }
}

/** `course`: members join and leave, until the last one has read everything and left. */
async function live(
  bootstrap: string,
  name: string,
  assignor: Assignor,
  course: (life: Life, production: Production) => Promise<void>,
): Promise<void> {
  const how = { bootstrap, topic: `${name}-${assignor}`, group: `${name}-${assignor}`, assignor }
  const production = await Production.start(bootstrap, how.topic)
  const life = new Life(production, how)
  try {
    await course(life, production)
    await life.check()
  } finally {
    await production.stop()
    life.end()
  }
}

describe('groups with members of several languages', () => {
  let kafka: KafkaBroker
  let ours: TestBroker
  before(async () => {
    kafka = await startKafka()
    ours = await startBroker()
  })
  after(async () => {
    await ours.close()
    await kafka.remove()
  })

  for (const assignor of ['range', 'roundrobin', 'cooperative-sticky'] as const)
    it(`share a topic by ${assignor}: Java, Python and Go`, async () => {
      await Promise.all(
        [kafka.brokers, ours.bootstrap].map(bootstrap =>
          live(bootstrap, 'languages', assignor, async (life, production) => {
            await life.join('Java')
            await life.join('Python', 'Go')
            await life.leave('Python')
            await life.leave('Java')
            await life.join('Python')
            await production.stop()
            await life.readAll()
            await life.leave('Go')
            await life.leave('Python')
            await life.check()
            // A language that has not read the last records continues behind them.
            await life.join('Java')
            await production.produce()
            await life.readAll()
            await life.leave('Java')
          }),
        ),
      )
    })

  for (const assignor of ['range', 'cooperative-sticky'] as const)
    it(`share a topic by ${assignor}: log.consumer, Java and Python`, async () => {
      const name = 'in-process'
      await live(ours.bootstrap, name, assignor, async (life, production) => {
        const here = (): GroupMember => new MemberHere(ours.log, `${name}-${assignor}`, assignor)
        await life.join('Java')
        await life.add(here())
        await life.join('Python')
        await life.leave('Java')
        await life.leave('here')
        await life.add(here())
        await life.leave('Python')
        await production.stop()
        await life.readAll()
        await life.leave('here')
        await life.check()
        await life.join('Python')
        await production.produce()
        await life.readAll()
        await life.leave('Python')
        await life.check()
        await life.add(here())
        await production.produce()
        await life.readAll()
        await life.leave('here')
      })
    })
})
