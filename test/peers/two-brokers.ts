/**
 * Apache Kafka and a broker of millrace side by side: the same requests go to both, and the answers are
 * compared. What no two brokers have in common is replaced: ids, ports, the order of what has none.
 */
import { deepEqual } from 'node:assert/strict'
import { nodeNet } from '../../src/base/index.ts'
import { RawClient } from '../../src/broker/server/raw-client.test-support.ts'
import { startBroker, type TestBroker } from '../../src/testing/index.ts'
import { messages, type Definition, type RequestInput, type Response } from '../../src/wire/index.ts'
import { startKafka, type KafkaBroker } from './kafka-broker.ts'

/** Kafka makes a topic, and its coordinators, some time after it was asked. */
const readyMsMax = 30_000
const pollMs = 20

/** Topics that were made to wait: each has another name. */
let settled = 0

/** One of the two brokers, as a scenario sees it: what it answers is noted. */
export class Side {
  readonly #address: { readonly host: string; readonly port: number }
  /** Answers, by what was asked. */
  readonly #notes = new Map<string, unknown>()
  readonly #labels = new Map<string, string>()
  readonly #clients: RawClient[] = []

  constructor(bootstrap: string) {
    const [host, port] = bootstrap.split(':')
    this.#address = { host: host!, port: Number(port) }
  }

  async connect(): Promise<RawClient> {
    const client = await RawClient.connect(nodeNet, this.#address)
    this.#clients.push(client)
    return client
  }

  /** An id that this broker gave out is called so in the notes. */
  label(id: string, name: string): void {
    if (id !== '') this.#labels.set(id, name)
  }

  note<T>(what: string, answer: T): T {
    let unique = what
    for (let n = 2; this.#notes.has(unique); n += 1) unique = `${what} (${n})`
    this.#notes.set(unique, answer)
    return answer
  }

  async ask<const D extends Definition>(
    client: RawClient,
    what: string,
    definition: D,
    version: number,
    request: RequestInput<D>,
  ): Promise<Response<D>> {
    return this.note(`${what}, v${version}`, await client.ask(definition, version, request))
  }

  /** A topic with one partition; its id. */
  async topic(name: string): Promise<string> {
    const client = await this.connect()
    for (let waitedMs = 0; waitedMs < readyMsMax; waitedMs += pollMs) {
      const { topics } = await client.ask(messages.metadata, 12, { topics: [{ name }] })
      const found = await client.ask(messages.findCoordinator, 3, { key: 'g' })
      const looked = await client.ask(messages.offsetFetch, 7, { groupId: 'g', topics: null })
      const { topicId, partitions } = topics[0]!
      if (found.errorCode === 0 && looked.errorCode === 0 && partitions.length > 0) {
        this.label(topicId, 'the topic')
        return topicId
      }
      await new Promise(resolve => setTimeout(resolve, pollMs))
    }
    throw new Error(`The broker has no topic ${name} after ${readyMsMax} ms.`)
  }

  /**
   * Waits until the broker has done all that its controller has answered. Kafka's takes changes in order:
   * once it has a topic, it has taken all before that; once it has a second one, it is done with them.
   */
  async settle(): Promise<void> {
    for (let n = 0; n < 2; n += 1) {
      settled += 1
      await this.topic(`settled-${settled}`)
    }
  }

  /** Waits until a group is in a state: what was asked on another connection has come. */
  async groupIs(state: string, group: string = 'g'): Promise<void> {
    const client = await this.connect()
    let found: string | undefined
    for (let waitedMs = 0; waitedMs < readyMsMax; waitedMs += pollMs) {
      const { groups } = await client.ask(messages.describeGroups, 5, { groups: [group] })
      found = groups[0]!.groupState
      if (found === state) return
      await new Promise(resolve => setTimeout(resolve, pollMs))
    }
    throw new Error(`The group ${group} is ${found}, not ${state}, after ${readyMsMax} ms.`)
  }

  /** All answers in normal form. At the end, when all ids have names. */
  notes(): Readonly<Record<string, unknown>> {
    return Object.fromEntries(Array.from(this.#notes, ([what, answer]) => [what, this.#normal('', answer)]))
  }

  close(): void {
    for (const client of this.#clients) client.close()
  }

  #normal(name: string, value: unknown): unknown {
    if (name === 'throttleTimeMs') return 0
    if (typeof value === 'string') return this.#labels.get(value) ?? value
    if (Buffer.isBuffer(value)) return value.toString('latin1')
    if (Array.isArray(value))
      return value
        .map(each => this.#normal('', each))
        .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.#normal(key, each)]))
  }
}

export class TwoBrokers {
  readonly #kafka: KafkaBroker
  readonly #millrace: TestBroker

  private constructor(kafka: KafkaBroker, millrace: TestBroker) {
    this.#kafka = kafka
    this.#millrace = millrace
  }

  /** `configs`: of both; `kafkaConfigs`: of Apache Kafka alone. */
  static async start(
    configs: Readonly<Record<string, string>>,
    kafkaConfigs: Readonly<Record<string, string>> = {},
  ): Promise<TwoBrokers> {
    const millrace = await startBroker({ configs })
    return new TwoBrokers(await startKafka({ ...configs, ...kafkaConfigs }), millrace)
  }

  /** Runs a scenario against both at once, and compares what they answered. */
  async compare(scenario: (side: Side) => Promise<void>): Promise<void> {
    const sides = [new Side(this.#kafka.brokers), new Side(this.#millrace.bootstrap)] as const
    try {
      await Promise.all(sides.map(scenario))
    } finally {
      for (const side of sides) side.close()
    }
    const [kafka, millrace] = sides.map(side => side.notes())
    deepEqual(millrace, kafka)
  }

  async stop(): Promise<void> {
    await this.#millrace.close()
    await this.#kafka.remove()
  }
}
