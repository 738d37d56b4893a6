/**
 * Topics: names, ids, partition counts and configuration.
 *
 * The metadata file is the truth. A topic is written there first and its partitions are made after, so a crash between leaves a
 * topic whose missing partitions are made at start; a deletion is marked there first, so that it is finished at start. Partitions that no
 * topic claims (a data directory of Apache Kafka's, a lost metadata file) are adopted as a topic, never removed.
 */
import { MillraceError, type Random } from '../base/index.ts'
import {
  checkTopicName,
  segmentBytesMax,
  segmentBytesMin,
  type LogDirectory,
  type Partition,
} from '../log/index.ts'
import type { TopicConfig, TopicDescription } from '../port/index.ts'
import type { MetadataFile, StoredTopic } from './metadata.ts'

/** A bound against typing errors; Kafka has none, and opens a file or three for each. */
const partitionsMax = 10_000

/** Topics that the broker keeps for itself. */
export const offsetsTopic = '__consumer_offsets'
export const transactionsTopic = '__transaction_state'
const internalTopics: readonly string[] = [offsetsTopic, transactionsTopic]

export class Topics {
  readonly #log: LogDirectory
  readonly #metadata: MetadataFile
  readonly #random: Random
  /** Topics that are being created or deleted: whoever asks for the name waits. */
  readonly #changing = new Map<string, Promise<unknown>>()
  readonly #byName = new Map<string, StoredTopic>()

  private constructor(log: LogDirectory, metadata: MetadataFile, random: Random) {
    this.#log = log
    this.#metadata = metadata
    this.#random = random
  }

  static async open(log: LogDirectory, metadata: MetadataFile, random: Random): Promise<Topics> {
    const topics = new Topics(log, metadata, random)
    await topics.#recover()
    return topics
  }

  get(name: string): StoredTopic | undefined {
    return this.#byName.get(name)
  }

  describe(name: string): TopicDescription | undefined {
    const topic = this.#byName.get(name)
    return topic && description(topic)
  }

  list(internal: boolean): TopicDescription[] {
    return [...this.#byName.values()].map(description).filter(topic => internal || !topic.internal)
  }

  /** The partition. UNKNOWN_TOPIC, UNKNOWN_PARTITION. */
  partition(name: string, index: number): Partition {
    const partition = this.#log.partition(name, index)
    const topic = this.#byName.get(name)
    if (partition && topic) return partition
    if (!topic)
      throw new MillraceError('UNKNOWN_TOPIC', `There is no topic '${name}': create it, or check the name.`)
    throw new MillraceError(
      'UNKNOWN_PARTITION',
      `Topic '${name}' has the partitions 0 to ${topic.partitions - 1}, not ${index}.`,
    )
  }

  /** Creates a topic that users see. TOPIC_EXISTS, INVALID_ARGUMENT. */
  async create(name: string, config: TopicConfig): Promise<void> {
    checkName(name, this.#byName.keys())
    checkConfig(name, config)
    if (internalTopics.includes(name))
      throw new MillraceError('INVALID_ARGUMENT', `'${name}' is kept by the log itself: choose another name.`)
    await this.#create(name, config)
  }

  /** Makes sure that an internal topic is there, with one partition, and gives it. */
  async internal(name: string, config: Omit<TopicConfig, 'partitions'> = {}): Promise<Partition> {
    if (!this.#byName.has(name)) await this.#create(name, { ...config, partitions: 1 })
    return this.partition(name, 0)
  }

  /** UNKNOWN_TOPIC; INVALID_ARGUMENT for an internal one. */
  async delete(name: string): Promise<void> {
    const topic = this.#byName.get(name)
    if (!topic) throw new MillraceError('UNKNOWN_TOPIC', `There is no topic '${name}' to delete.`)
    if (topic.internal)
      throw new MillraceError('INVALID_ARGUMENT', `'${name}' is kept by the log itself and stays.`)
    this.#byName.delete(name)
    await this.#alone(name, async () => {
      await this.#change(topics =>
        topics.map(each => (each.name === name ? { ...each, deleting: true } : each)),
      )
      await this.#finishDeletion(topic)
    })
  }

  async #create(name: string, config: TopicConfig): Promise<void> {
    while (this.#changing.has(name)) await this.#changing.get(name)
    if (this.#byName.has(name)) throw new MillraceError('TOPIC_EXISTS', `Topic '${name}' exists already.`)
    const topic: StoredTopic = {
      name,
      id: this.#newId(),
      ...config,
      ...(internalTopics.includes(name) ? { internal: true } : {}),
    }
    await this.#alone(name, async () => {
      await this.#change(topics => [...topics, topic])
      await this.#makePartitions(topic)
      this.#byName.set(name, topic)
    })
  }

  /** Runs a change of a topic that others with this name wait for. */
  async #alone(name: string, change: () => Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#changing.set(name, promise)
    try {
      await change()
    } finally {
      this.#changing.delete(name)
      resolve()
    }
  }

  #newId(): string {
    return Buffer.from(this.#random.bytes(16)).toString('base64url')
  }

  async #recover(): Promise<void> {
    for (const topic of this.#metadata.current.topics) if (topic.deleting) await this.#finishDeletion(topic)
    const claimed = new Set(this.#metadata.current.topics.map(({ name }) => name))
    const adopted = new Map<string, number>()
    for (const { topic, index } of this.#log.partitions())
      if (!claimed.has(topic)) adopted.set(topic, Math.max(adopted.get(topic) ?? 0, index + 1))
    if (adopted.size > 0)
      await this.#change(topics => [
        ...topics,
        ...[...adopted].map(([name, partitions]): StoredTopic => ({
          name,
          id: this.#newId(),
          partitions,
          ...(internalTopics.includes(name) ? { internal: true } : {}),
        })),
      ])
    for (const topic of this.#metadata.current.topics) {
      await this.#makePartitions(topic)
      this.#byName.set(topic.name, topic)
    }
  }

  async #makePartitions(topic: StoredTopic): Promise<void> {
    const { retentionBytes, segmentBytes } = topic
    const config = {
      ...(retentionBytes === undefined ? {} : { retentionBytes }),
      ...(segmentBytes === undefined ? {} : { segmentBytes }),
    }
    for (let index = 0; index < topic.partitions; index += 1)
      if (!this.#log.partition(topic.name, index)) await this.#log.createPartition(topic.name, index, config)
  }

  async #finishDeletion(topic: StoredTopic): Promise<void> {
    for (let index = 0; index < topic.partitions; index += 1)
      if (this.#log.partition(topic.name, index)) await this.#log.deletePartition(topic.name, index)
    await this.#change(topics => topics.filter(({ id }) => id !== topic.id))
  }

  #change(change: (topics: readonly StoredTopic[]) => readonly StoredTopic[]): Promise<void> {
    return this.#metadata.update(metadata => ({ ...metadata, topics: change(metadata.topics) }))
  }
}

function description(topic: StoredTopic): TopicDescription {
  const { id, name, partitions, retentionBytes, segmentBytes, internal } = topic
  const config: TopicConfig = {
    partitions,
    ...(retentionBytes === undefined ? {} : { retentionBytes }),
    ...(segmentBytes === undefined ? {} : { segmentBytes }),
  }
  return { name, id, partitions, config, internal: internal ?? false }
}

/** Kafka's rules for names, so that a program that runs here runs on a cluster. */
function checkName(name: string, existing: Iterable<string>): void {
  checkTopicName(name)
  // A cluster's metrics replace dots, so Kafka refuses two names that differ only in that.
  const flat = (text: string): string => text.replaceAll('.', '_')
  for (const other of existing)
    if (other !== name && flat(other) === flat(name))
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `Topic '${name}' differs from '${other}' only in '.' and '_', which Kafka refuses.`,
      )
}

function checkConfig(name: string, { partitions, retentionBytes, segmentBytes }: TopicConfig): void {
  const check = (what: string, value: number | undefined, min: number, max: number): void => {
    if (value !== undefined && (!Number.isSafeInteger(value) || value < min || value > max))
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `Topic '${name}': ${what} has to be a whole number from ${min} to ${max}, not ${value}.`,
      )
  }
  check('partitions', partitions, 1, partitionsMax)
  check('retentionBytes', retentionBytes, -1, Number.MAX_SAFE_INTEGER)
  check('segmentBytes', segmentBytes, segmentBytesMin, segmentBytesMax)
}
