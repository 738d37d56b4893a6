/**
 * Topics: names, ids, partition counts and configuration.
 *
 * The metadata file is the truth, and no two topics in it have one name. A topic is first written there as
 * **creating**, then its partitions are made, and only then it counts. A deletion is first marked there, then
 * the topic's data is removed. Both are undone or finished by the topic's id: at once if the call failed, or
 * when the name is used again, or at the next start. A growth is marked with its new count; its partitions
 * count once the mark is replaced by them, and are removed if that does not come to pass. The partitions
 * vouch for their topic: see topic-recovery.ts.
 */
import { assert, MillraceError, randomUuid, type Random } from '../../base/index.ts'
import type { LogDirectory, Partition, UnrecoveredPartition } from '../../log/index.ts'
import { missingTopic, type TopicConfig, type TopicDescription } from '../../port/index.ts'
import type { Configs } from '../configs/configs.ts'
import type { ConfigTexts } from '../configs/values.ts'
import type { Metadata, MetadataFile, StoredTopic } from '../internal/metadata.ts'
import {
  canBeClaimed,
  checkedConfigs,
  checkGrowth,
  checkName,
  checkNotReserved,
  checkOwnConfigs,
  checkPartitionCount,
  unknownPartition,
  unlessRetriable,
} from './topic-checks.ts'
import { KnownTopics } from './known-topics.ts'
import { PartitionUpkeep } from './partition-upkeep.ts'
import { deleting, description, newTopic } from './topic-descriptions.ts'
import { keptWhole } from '../internal/topic-names.ts'
import { allPartitions } from './topic-partitions.ts'
import { reconcile } from './topic-recovery.ts'

/** Other users of a topic, which end with it. */
export interface TopicUsers {
  /** The topic is gone. Called synchronously, before its files are removed; `partitions`: the open ones. */
  deleted(name: string, partitions: readonly Partition[]): void
  /** The topic has more partitions. Called synchronously. */
  grown(name: string): void
  /** Forgets the committed offsets of groups for it. Resolves when that is durable. */
  forgetOffsets(topic: StoredTopic): Promise<void>
}

export class Topics {
  readonly #log: LogDirectory
  readonly #metadata: MetadataFile
  readonly #configs: Configs
  readonly #partitions: PartitionUpkeep
  readonly #random: Random
  #users: TopicUsers | undefined
  /** Topics that are being created or deleted: the next one to use the name waits. */
  readonly #changing = new Map<string, Promise<unknown>>()
  readonly #known = new KnownTopics()
  /** Topics that are being created: their names are taken already. */
  readonly #creating = new Set<string>()
  /** Failed creations and deletions: their leftovers are removed before the name is used again. */
  readonly #unfinished = new Map<string, StoredTopic>()
  /** Why a topic cannot be used: its files are missing or have changed. */
  readonly #broken = new Map<string, MillraceError>()

  private constructor(log: LogDirectory, metadata: MetadataFile, configs: Configs, random: Random) {
    this.#log = log
    this.#metadata = metadata
    this.#configs = configs
    this.#partitions = new PartitionUpkeep(log, configs)
    this.#random = random
  }

  static async open(
    log: LogDirectory,
    metadata: MetadataFile,
    configs: Configs,
    random: Random,
  ): Promise<Topics> {
    const topics = new Topics(log, metadata, configs, random)
    await topics.#recover()
    return topics
  }

  /** Finishes changes that a crash has interrupted, and reports later deletions to `users`. */
  async start(users: TopicUsers): Promise<void> {
    this.#users = users
    for (const [name, topic] of this.#unfinished)
      // A full disk can wait: the name is not available until the disk has room.
      await this.#alone(name, () => this.#remove(topic)).catch(unlessRetriable)
    for (const topic of [...this.#known.values()].filter(({ growingTo }) => growingTo !== undefined))
      await this.#alone(topic.name, () => this.#undoGrowth(topic)).catch(unlessRetriable)
  }

  get(name: string): StoredTopic | undefined {
    return this.#known.get(name)
  }

  /** The name of the topic with this id. */
  nameOf(id: string): string | undefined {
    return this.#known.nameOf(id)
  }

  /** @throws MillraceError UNKNOWN_TOPIC */
  known(name: string): StoredTopic {
    const topic = this.#known.get(name)
    if (topic) return topic
    throw missingTopic(name)
  }

  describe(name: string): TopicDescription | undefined {
    const topic = this.#known.get(name)
    return topic && description(topic, this.#partitions.settingsOf(topic))
  }

  list(internal: boolean): TopicDescription[] {
    return [...this.#known.values()]
      .map(topic => description(topic, this.#partitions.settingsOf(topic)))
      .filter(topic => internal || !topic.internal)
  }

  /**
   * The partition, which is open: ask {@link unrecovered} first. Throws UNKNOWN_TOPIC, UNKNOWN_PARTITION;
   * PARTITION_DAMAGED for each partition of a topic with missing files.
   */
  partition(name: string, index: number): Partition {
    const partition = this.#log.partition(name, index)
    if (!partition || index >= this.#checkUsable(name).partitions) this.check(name, index)
    assert(partition, 'a partition is used once it is open')
    return partition
  }

  /** The partition, if it is not recovered yet: calls on it are made by its `once`. */
  unrecovered(name: string, index: number): UnrecoveredPartition | undefined {
    return this.#log.unrecoveredPartition(name, index)
  }

  /**
   * The partition, once it is open. Throws as {@link partition} does; DISK_FULL, DISK_FAILED: it could not be
   * recovered; CLOSED.
   */
  async opened(name: string, index: number): Promise<Partition> {
    await this.unrecovered(name, index)?.once(() => undefined)
    return this.partition(name, index)
  }

  /** Throws as {@link partition} does, whether the partition is open or not. */
  check(name: string, index: number): void {
    const topic = this.#checkUsable(name)
    // One that is being added does not count yet.
    const isThere =
      index < topic.partitions && (this.#log.partition(name, index) ?? this.unrecovered(name, index))
    if (!isThere) throw unknownPartition(topic, index)
  }

  #checkUsable(name: string): StoredTopic {
    const topic = this.known(name)
    const broken = this.#broken.get(name)
    if (broken) throw broken
    return topic
  }

  /**
   * Creates a topic, or claims for an app a topic that 0.1.0 made for it. Throws TOPIC_EXISTS,
   * INVALID_CONFIG, INVALID_ARGUMENT. `validateOnly` checks, and creates nothing.
   */
  async create(name: string, config: TopicConfig, validateOnly = false): Promise<void> {
    checkPartitionCount(name, config.partitions)
    checkNotReserved(name)
    await this.#create(name, config, validateOnly)
  }

  /** Creates a missing internal topic of the log, with one partition, and returns it. */
  async internal(name: string, config: Omit<TopicConfig, 'partitions'> = {}): Promise<Partition> {
    if (!this.#known.has(name)) await this.#create(name, { ...config, partitions: 1 })
    return this.partition(name, 0)
  }

  /**
   * Throws UNKNOWN_TOPIC; INVALID_ARGUMENT for an internal topic of the log, or of another app than `app`.
   */
  async delete(name: string, app?: string): Promise<void> {
    while (this.#changing.has(name)) await this.#changing.get(name)
    const topic = this.#known.get(name) ?? this.#unfinished.get(name)
    if (!topic) throw missingTopic(name, { advice: 'Check the name.' })
    if (topic.internal)
      throw new MillraceError('INVALID_ARGUMENT', `'${name}' is internal to the log and cannot be deleted.`)
    if (topic.app !== undefined && topic.app !== app)
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `Topic '${name}' belongs to the app '${topic.app}', and is deleted with it: log.deleteApp('${topic.app}').`,
      )
    await this.#alone(name, () => this.#remove(topic))
  }

  /**
   * Raises the partition count of a topic. Throws UNKNOWN_TOPIC; INVALID_ARGUMENT for a count that is not
   * larger, and for internal topics. `validateOnly` checks, and changes nothing.
   */
  async grow(name: string, partitions: number, validateOnly: boolean): Promise<void> {
    while (this.#changing.has(name)) await this.#changing.get(name)
    const topic = this.#checkUsable(name)
    checkGrowth(topic, partitions)
    if (!validateOnly) await this.#alone(name, () => this.#grow(topic, partitions))
  }

  /**
   * Changes the own configs of a topic. Throws UNKNOWN_TOPIC; INVALID_ARGUMENT for an internal topic of the
   * log; INVALID_CONFIG for what an app needs; what `change` throws. `validateOnly` checks, and changes
   * nothing.
   */
  async alterConfigs(
    name: string,
    change: (own: ConfigTexts) => ConfigTexts,
    validateOnly: boolean,
  ): Promise<void> {
    while (this.#changing.has(name)) await this.#changing.get(name)
    const topic = this.known(name)
    if (topic.internal)
      throw new MillraceError('INVALID_ARGUMENT', `'${name}' is internal to the log, which configures it.`)
    const configs = change(topic.configs ?? {})
    checkOwnConfigs(topic, configs)
    if (validateOnly) return
    await this.#alone(name, () => this.#replace({ ...topic, configs }))
  }

  /** The defaults of topics have changed. */
  reconfigure(): void {
    for (const topic of this.#known.values()) this.#partitions.configure(topic)
  }

  /** Apps that have topics. */
  apps(): Set<string> {
    return new Set(Array.from(this.#known.values(), ({ app }) => app).filter(app => app !== undefined))
  }

  /**
   * The topics of an app, also those of 0.1.0 that no app has claimed and that `isNamedSo` knows by their
   * names.
   */
  ofApp(app: string, isNamedSo: (name: string) => boolean): string[] {
    return [...this.#known.values()]
      .filter(topic => topic.app === app || (topic.unclaimed && isNamedSo(topic.name)))
      .map(({ name }) => name)
  }

  /** Deletes topics of any owner. One write marks them, and makes the other changes of `alter`. */
  async deleteAll(names: readonly string[], alter: (metadata: Metadata) => Metadata): Promise<void> {
    for (let busy; (busy = names.find(name => this.#changing.has(name)));) await this.#changing.get(busy)
    const topics = names.flatMap(name => this.#known.get(name) ?? [])
    const ids = new Set(topics.map(({ id }) => id))
    const marked = this.#metadata.update(metadata =>
      alter({ ...metadata, topics: deleting(metadata.topics, ids) }),
    )
    const remove = async (topic: StoredTopic): Promise<void> => {
      await marked
      await this.#remove(topic)
    }
    await Promise.all([marked, ...topics.map(topic => this.#alone(topic.name, () => remove(topic)))])
  }

  async #create(name: string, config: TopicConfig, validateOnly = false): Promise<void> {
    while (this.#changing.has(name)) await this.#changing.get(name)
    const existing = this.#known.get(name)
    if (existing) {
      const { app } = config
      if (app !== undefined && canBeClaimed(existing, app, config.partitions))
        return this.#alone(name, () => this.#claim(existing, app))
      throw new MillraceError('TOPIC_EXISTS', `Topic '${name}' exists already.`)
    }
    checkName(name, this.#known, this.#creating)
    const { partitions, app } = config
    const configs = checkedConfigs(config.configs)
    const topic = newTopic({ name, id: this.#newId(), partitions, configs, app })
    this.#configs.checkTogether(topic.configs ?? {})
    if (validateOnly) return
    this.#creating.add(name)
    await this.#alone(name, async () => {
      const before = this.#unfinished.get(name)
      if (before) await this.#remove(before)
      this.#unfinished.set(name, topic)
      try {
        await this.#change(topics => [...topics, { ...topic, creating: true }])
        await this.#partitions.make(topic)
        await this.#change(topics => topics.map(each => (each.id === topic.id ? topic : each)))
      } catch (error) {
        // Files that cannot be removed now are removed when the name is used again, or at the next start.
        await this.#remove(topic).catch(() => undefined)
        throw error
      }
      this.#unfinished.delete(name)
      this.#known.set(topic)
      // The defaults may have changed since its partitions were made.
      this.#partitions.configure(topic)
    }).finally(() => this.#creating.delete(name))
  }

  /** Removes a topic and all its data, from the step at which an earlier attempt stopped. */
  async #remove(topic: StoredTopic): Promise<void> {
    const { name, id } = topic
    await this.#change(topics => deleting(topics, new Set([id])))
    const open = [...this.#log.partitions()].filter(each => each.topic === name)
    this.#unfinished.set(name, topic)
    this.#broken.delete(name)
    if (this.#known.delete(name)) this.#users?.deleted(name, open)
    await this.#users?.forgetOffsets(topic)
    const indexes = [...allPartitions(this.#log)].flatMap(each => (each.topic === name ? each.index : []))
    await this.#partitions.remove(name, indexes)
    // A creation that failed may have left folders that are not partitions.
    await this.#partitions.remove(name, Array(topic.growingTo ?? topic.partitions).keys())
    await this.#change(topics => topics.filter(each => each.id !== id))
    this.#unfinished.delete(name)
  }

  async #grow({ growingTo, ...topic }: StoredTopic, partitions: number): Promise<void> {
    if (growingTo !== undefined) await this.#undoGrowth({ ...topic, growingTo })
    const marked = { ...topic, growingTo: partitions }
    await this.#store(marked)
    const grown = { ...topic, partitions }
    try {
      await this.#partitions.make(grown)
    } catch (error) {
      // What cannot be removed now is removed by the next growth, or at the next start.
      await this.#undoGrowth(marked).catch(() => undefined)
      throw error
    }
    await this.#replace(grown)
    this.#users?.grown(topic.name)
  }

  /** Nobody has seen the partitions of an unfinished growth: they are empty. */
  async #undoGrowth({ growingTo = 0, ...topic }: StoredTopic): Promise<void> {
    const { name, partitions } = topic
    const added = Array.from({ length: growingTo - partitions }, (_, n) => partitions + n)
    await this.#partitions.remove(name, added)
    await this.#store(topic)
  }

  /** Makes a topic of 0.1.0 its app's. */
  async #claim(topic: StoredTopic, app: string): Promise<void> {
    const { unclaimed: _unclaimed, ...claimed } = topic
    await this.#replace({ ...claimed, app, configs: { ...topic.configs, ...keptWhole } })
  }

  /** Puts a topic in the place of the one with its id. It counts once it is in the metadata. */
  async #replace(topic: StoredTopic): Promise<void> {
    await this.#store(topic)
    await this.#partitions.change(topic)
  }

  async #store(topic: StoredTopic): Promise<void> {
    await this.#change(topics => topics.map(each => (each.id === topic.id ? topic : each)))
    this.#known.set(topic)
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
    return randomUuid(this.#random)
  }

  async #recover(): Promise<void> {
    const { current, origin } = this.#metadata
    const found = reconcile(current.topics, allPartitions(this.#log), origin === 'proved', () =>
      this.#newId(),
    )
    for (const { topic, broken } of found) {
      if (broken !== undefined) this.#break(topic.name, broken)
      else if (topic.creating || topic.deleting) {
        this.#unfinished.set(topic.name, topic)
        continue
      } else {
        const isLost = topic.internal && origin === 'proved'
        await this.#partitions.make(topic, isLost ? { cutAt: 0, cutId: this.#newId() } : {})
      }
      this.#known.set(topic)
      if (broken === undefined) await this.#partitions.vouch(topic)
    }
    const topics = found.map(({ topic }) => topic)
    const isSame =
      topics.length === current.topics.length && topics.every(each => current.topics.includes(each))
    if (origin !== 'proved' || !isSame) await this.#change(() => topics)
  }

  #break(name: string, why: string): void {
    this.#broken.set(name, new MillraceError('PARTITION_DAMAGED', `Topic '${name}' cannot be used: ${why}`))
  }

  #change(change: (topics: readonly StoredTopic[]) => readonly StoredTopic[]): Promise<void> {
    return this.#metadata.update(metadata => ({ ...metadata, topics: change(metadata.topics) }))
  }
}
