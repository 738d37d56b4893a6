/**
 * A broker for tests: Kafka's protocol on a free port, in the process of the test, over memory. It starts in
 * milliseconds, and nothing of it is left afterwards. The page is docs/broker.md.
 */
import {
  checkOptions,
  inWords,
  MemoryDisk,
  MillraceError,
  nodeDisk,
  nodeNet,
  systemClock,
  systemRandom,
  type Clock,
  type NetAddress,
} from '../base/index.ts'
import { InProcessLog, serveLog } from '../broker/index.ts'
import { createLog, type BrokerConfigs, type Log, type TopicConfig } from '../port/index.ts'
import { BrokerFaults, type BrokerFault, type PlannedFault, type RequestName } from './broker-faults.ts'

/** How a broker for tests is started. */
export interface TestBrokerOptions {
  /** Topics to create: by name, how many partitions, or partitions and configs. */
  readonly topics?: Readonly<Record<string, number | TopicConfig>>
  /** The folder of the log, which outlives the broker. Default: memory. */
  readonly data?: string
  /** Default 0: a free one. */
  readonly port?: number
  /** Kafka's configs of brokers: `{ 'auto.create.topics.enable': false }`. */
  readonly configs?: BrokerConfigs
  /**
   * The clock of the log: of retention, timestamps, sessions of groups and time-outs of transactions. With
   * `virtualClock(Date.now())` a test moves it. How long a fetch waits is real time in any case.
   */
  readonly clock?: Clock
  /** Told of peers that do not speak Kafka's protocol, and of failures. Default: a warning of the process. */
  readonly onNotice?: (message: string) => void
}

/** A broker for tests: Kafka's protocol in front of a log. */
export interface TestBroker extends AsyncDisposable {
  /** What a client is given: `127.0.0.1:43211`. */
  readonly bootstrap: string
  readonly port: number
  readonly address: Required<NetAddress>
  /** The same log in process: producers, consumers, topics, configs. */
  readonly log: Log
  /**
   * Plans a fault of the next requests of this name.
   *
   * @example
   * const fault = broker.fail('Produce', { topic: 'orders', times: 2, error: 'NOT_LEADER_OR_FOLLOWER' })
   * await producer.send({ topic: 'orders', messages: [{ value: 'retried' }] })
   * assert.equal(fault.strikes, 2)
   *
   * @throws MillraceError INVALID_ARGUMENT, with the nearest name
   */
  fail(request: RequestName, fault: BrokerFault): PlannedFault
  /** Closes connections and log. A log in memory is gone. */
  close(): Promise<void>
}

const path = '/memory'
/** A test that keeps more is told by KAFKA_STORAGE_ERROR. */
const memoryBytesMax = 2 ** 30

/**
 * Starts a broker for tests.
 *
 * @example
 * await using broker = await startBroker({ topics: { orders: 3 } })
 * const kafka = new Kafka({ brokers: [broker.bootstrap] }) // any client, in any language
 *
 * @throws MillraceError INVALID_ARGUMENT, INVALID_CONFIG, ADDRESS_IN_USE, PARTITION_COUNT_CHANGED; errors of
 *   the folder, as `openLog`
 */
export async function startBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  checkOptions('startBroker', options, {
    topics: 'object',
    data: 'string',
    port: 'natural',
    configs: 'object',
    clock: value =>
      typeof value === 'object' && value !== null && 'monotonic' in value ? undefined : 'a clock',
    onNotice: 'function',
  })
  const { data, configs, clock = systemClock, onNotice = warn } = options
  const topics = Object.entries(options.topics ?? {}).map(
    ([name, given]) => [name, topicOf(name, given)] as const,
  )
  const port = await InProcessLog.open(data ?? path, {
    disk: data === undefined ? new MemoryDisk({ capacityBytes: memoryBytesMax }) : nodeDisk,
    clock,
    random: systemRandom,
    defaults: 'kafka',
    ...(configs && { configs }),
  })
  const log = createLog(port, clock)
  try {
    for (const [name, topic] of topics) await createTopic(port, name, topic)
    const faults = new BrokerFaults()
    const served = {
      log: port,
      net: nodeNet,
      clock: systemClock,
      handlerOf: faults.handlerOf,
      call: 'startBroker',
      allowsRemoteBy: '',
    }
    const { address, bootstrap } = await serveLog(served, { port: options.port ?? 0, onNotice })
    const close = (): Promise<void> => log.close()
    return {
      address,
      bootstrap,
      port: address.port,
      log,
      fail: (request, fault) => faults.plan(request, fault),
      close,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await log.close()
    throw error
  }
}

/** Over a folder the topic may be there. */
async function createTopic(port: InProcessLog, name: string, topic: TopicConfig): Promise<void> {
  const found = await port.describeTopic(name)
  if (!found) return port.createTopic(name, topic)
  if (found.partitions !== topic.partitions)
    throw new MillraceError(
      'PARTITION_COUNT_CHANGED',
      `Topic '${name}' in the folder of startBroker has ${found.partitions} partitions, not ${topic.partitions}. Give that count, or another folder.`,
    )
}

function topicOf(name: string, given: unknown): TopicConfig {
  if (typeof given === 'number') return { partitions: given }
  if (typeof given === 'object' && given !== null) return given as TopicConfig
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `Topic '${name}' of startBroker must be a count of partitions, or { partitions, configs }, got ${inWords(given)}.`,
  )
}

function warn(message: string): void {
  process.emitWarning(message, { type: 'MillraceWarning' })
}
