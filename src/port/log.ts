/** `Log`: the interface of a program to a log of any kind. */
import { checkOption, checkOptions, type Clock } from '../base/index.ts'
import { checkTopic } from '../schema/index.ts'
import { type ConsumerOptions, type ReadableTopic } from './consume/consumer-options.ts'
import { Consumer } from './consume/consumer.ts'
import { Handles, type EndHandle } from './handles.ts'
import type { LogAdmin } from './log-admin.ts'
import type { LogPort, TopicConfig, TopicDescription } from './log-port.ts'
import type { ProducedTopic } from './produce/outgoing-record.ts'
import { Producer, type ProducerOptions } from './produce/producer.ts'

/**
 * A log of topics.
 *
 * @example
 * await using log = await openLog('./data')
 * const delay = { destination: 'ORD', delay: 42, departure: 992516400000 }
 * await log.producer(flights).send({ key: 'DFW', value: delay })
 * for await (const { key, value } of log.consumer(flights, { until: 'end' })) console.log(key, value)
 */
export interface Log extends AsyncDisposable {
  /** The raw form, for programs that build on the log: batches in place of records. */
  readonly port: LogPort
  /**
   * Publishes to a topic; a missing one is created at the first record. Close the producer, or the log, to be
   * sure that all records are sent.
   */
  producer<K, V>(topic: ProducedTopic<K, V>, options?: ProducerOptions): Producer<K, V>
  /**
   * Reads a topic, alone or as a member of a group. A missing topic that declares its partitions is created;
   * for any other the first read fails with UNKNOWN_TOPIC.
   */
  consumer<K, V>(topic: ReadableTopic<K, V>, options?: ConsumerOptions): Consumer<K, V>
  /** Configs of topics, defaults for all topics, deletion of records. */
  readonly admin: LogAdmin
  /** Creates a topic by its name, or as it is defined. TOPIC_EXISTS, INVALID_ARGUMENT, INVALID_CONFIG. */
  createTopic(
    topic: string | { readonly name: string; readonly partitions: number | undefined },
    config?: Partial<TopicConfig>,
  ): Promise<void>
  /** A topic's partition count and configuration; undefined for a missing one. */
  describeTopic(name: string): Promise<TopicDescription | undefined>
  /** All topics except internal ones. */
  topics(): Promise<TopicDescription[]>
  /**
   * Deletes a topic with all its records, and the offsets of groups for it. Throws UNKNOWN_TOPIC;
   * INVALID_ARGUMENT for an internal one.
   */
  deleteTopic(name: string): Promise<void>
  /**
   * Deletes the log's data of an app: its state, the records between its stages, and its offsets. Its output
   * topics stay. False if the log has no data of the app.
   * @throws MillraceError GROUP_NOT_EMPTY while the app runs
   */
  deleteApp(name: string): Promise<boolean>
  /**
   * Calls and awaits `end` when the log is closed, while everything on it still works: for users of the log
   * that must commit or leave before. Returns a function that removes `end`.
   * @throws MillraceError CLOSED when the log is being closed
   */
  onClose(end: EndHandle): () => void
  /**
   * Ends the users of the log, then closes it. Consumers commit processed records and leave their groups, and
   * their loops end; apps and deliveries commit and stop; producers finish their sends. A second call waits
   * for the first. Rejects with the first failure of these, and is closed nevertheless.
   */
  close(): Promise<void>
}

/** The raw form of a log, for functions that take either form. */
export function portOf(log: Log | LogPort): LogPort {
  return 'port' in log ? log.port : log
}

/** The public form of a port. */
export function createLog(port: LogPort, clock: Clock): Log {
  const handles = new Handles()
  let closing: Promise<void> | undefined
  const endAndClose = async (): Promise<void> => {
    const failures = await handles.endAll()
    await port.close()
    if (failures.length > 0) throw failures[0]
  }
  const close = (): Promise<void> => (closing ??= endAndClose())
  return {
    port,
    admin: port.admin,
    producer<K, V>(topic: ProducedTopic<K, V>, options?: ProducerOptions) {
      checkTopic('log.producer', topic)
      const producer: Producer<K, V> = new Producer(port, clock, topic, options, () => release())
      const release = handles.add(() => producer.close(), 'produces')
      return producer
    },
    consumer<K, V>(topic: ReadableTopic<K, V>, options?: ConsumerOptions) {
      checkTopic('log.consumer', topic)
      let release = (): void => undefined
      const consumer = new Consumer(port, clock, topic, options, () => release())
      // A consumer of a closed log fails at its first read, in a new turn: otherwise a loop that retries
      // would block the event loop.
      if (handles.closing) void consumer.close()
      else release = handles.add(() => consumer.close())
      return consumer
    },
    async createTopic(topic, config = {}) {
      checkNewTopic(topic, config)
      const { name, partitions } = typeof topic === 'string' ? { name: topic, partitions: undefined } : topic
      await port.createTopic(name, { ...config, partitions: config.partitions ?? partitions ?? 1 })
    },
    describeTopic: name => port.describeTopic(name),
    topics: () => port.listTopics(),
    deleteTopic: name => port.deleteTopic(name),
    deleteApp: name => port.deleteApp(name),
    onClose: end => handles.add(end),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function checkNewTopic(topic: unknown, config: unknown): void {
  const name = typeof topic === 'object' && topic !== null && 'name' in topic ? topic.name : topic
  checkOption('log.createTopic', 'topic', name, given =>
    typeof given === 'string' ? undefined : 'a name, or a topic as topic() declares it',
  )
  checkOptions(`the new topic '${name as string}'`, config, {
    partitions: 'any',
    configs: 'object',
  })
}
