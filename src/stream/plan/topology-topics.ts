/**
 * The topics of an app. Those that it reads and writes are created if they are missing. Its own topics
 * (changelogs, exchanges) have as many partitions as the stage they belong to, permanently. State is
 * partitioned by hash, so another count would look for it in the wrong partition.
 *
 * A bounded run does not create the topics that it reads, unless a topic states its partitions. Otherwise a
 * mistyped name would look like a run that has finished.
 */
import { MillraceError } from '../../base/index.ts'
import {
  checkPublic,
  createIfMissing,
  type LogPort,
  missingTopic,
  type TopicConfig,
  type TopicConfigs,
  type TopicDescription,
} from '../../port/index.ts'
import type { ErrorPolicy } from '../../schema/index.ts'
import type { AnyTopic } from './graph.ts'
import type { Plan, Stage } from './plan.ts'
import { changelogConfigs, configureOwn, exchangeConfigs } from './own-topic-configs.ts'
import { planTopic, exchangeTopic } from './own-topics.ts'
import { agreedCount, statedCount } from './topic-uses.ts'

/** The most topics that a message names. */
const topicsNamedMax = 20

/** The inputs that meet: those of a stage, or the topic of a global table alone. */
interface Inputs extends Pick<Stage, 'incoming'> {
  readonly sources: readonly { readonly topic: AnyTopic }[]
}

export class TopologyTopics {
  readonly #port: LogPort
  readonly #app: string
  readonly #exchange: 'memory' | 'topic'
  readonly #counts = new Map<string, number>()
  readonly #batchBytesMax = new Map<string, number>()
  readonly #stageCounts = new Map<Stage, number>()
  /** The topics that the app keeps for itself. */
  readonly #own = new Set<string>()

  constructor(port: LogPort, app: string, exchange: 'memory' | 'topic') {
    this.#port = port
    this.#app = app
    this.#exchange = exchange
  }

  /** Partitions of a topic that has been looked up. */
  partitions(topic: string): number {
    const count = this.#counts.get(topic)
    if (count === undefined)
      throw new MillraceError('UNKNOWN_TOPIC', `Topic '${topic}' was not prepared by the app '${this.#app}'.`)
    return count
  }

  /** Bytes of the largest batch that a topic takes. */
  batchBytesMax(topic: string): number {
    return this.#batchBytesMax.get(topic) ?? Number.POSITIVE_INFINITY
  }

  /** The number of tasks of a stage. */
  stagePartitions(stage: Stage): number {
    return this.#stageCounts.get(stage) ?? 0
  }

  /**
   * The topics that a stage reads: their partitions n make its task n. A stage behind an exchange in memory
   * reads no topics.
   */
  read(stage: Stage): string[] {
    const topics = stage.sources.map(({ topic }) => topic.name)
    if (this.#exchange === 'topic')
      for (const { exchange } of stage.incoming) topics.push(exchangeTopic(this.#app, exchange))
    return topics
  }

  /**
   * Looks up the topics that the plan reads, and creates those that are missing. `onNotice` is told of a
   * created topic if its name may be a mistake.
   *
   * @throws MillraceError UNKNOWN_TOPIC for a source that is missing and states no partitions, if the run is
   *   bounded; PARTITION_COUNT_CHANGED for one that states another count than it has; NOT_COPARTITIONED for
   *   two inputs of one stage with different counts
   */
  async lookUp(plan: Plan, isBounded: boolean, onNotice: (message: string) => void): Promise<void> {
    const ensure = async (inputs: Inputs): Promise<void> => {
      const missing = await this.#lookUpSources(inputs)
      // Topics that state their partitions come first: those that meet them in a stage take the same count.
      for (const topic of missing.toSorted((a, b) => Number(!a.partitions) - Number(!b.partitions))) {
        if (isBounded && topic.partitions === undefined) throw await this.#unknown(topic)
        const partitions = statedCount(this.#port, topic) ?? this.#countsOf(inputs)[0]?.count ?? 1
        const isNew = await createIfMissing(this.#port, topic.name, { partitions })
        await this.#lookUpSources(inputs)
        if (isNew && (isBounded || topic.partitions === undefined)) onNotice(await this.#created(topic))
      }
    }
    for (const topic of plan.globals) await ensure({ sources: [{ topic }], incoming: [] })
    for (const stage of plan.stages) {
      await ensure(stage)
      const [first, ...others] = this.#countsOf(stage)
      const other = others.find(({ count }) => count !== first?.count)
      if (first && other)
        throw new MillraceError(
          'NOT_COPARTITIONED',
          `'${first.name}' (${first.count} partitions) and '${other.name}' (${other.count}) meet in one stage of the app '${this.#app}', ` +
            'so equal keys have to be in partitions of equal number: give them the same partition count, or send one side through an exchange: stream.selectKey((_, key) => key), or table.toStream(key => key).toTable().',
        )
      const upstream = stage.incoming.map(({ from }) => this.stagePartitions(from))
      this.#stageCounts.set(stage, first?.count ?? Math.max(...upstream))
    }
  }

  /** The partition counts that a stage has to have: those of its topics that are known, and stated ones. */
  #countsOf({ sources, incoming }: Inputs): { readonly name: string; readonly count: number }[] {
    const stated = incoming.map(({ exchange: { name, partitions } }) => ({ name, count: partitions }))
    return [
      ...sources.map(({ topic: { name } }) => ({ name, count: this.#counts.get(name) })),
      ...stated,
    ].flatMap(({ name, count }) => (count === undefined ? [] : [{ name, count }]))
  }

  /**
   * Creates the topics that the plan writes, and the app's own topics, once the topics that it reads are
   * known. `changelogsOf` gives the changelogs of an operator, by its name. `mayHaveUncounted`: whether these
   * may hold changes that no commit counts.
   *
   * @throws MillraceError PARTITION_COUNT_CHANGED for the app's own topics if an earlier run had another
   *   count, and for a sink that declares another one
   */
  async create(
    plan: Plan,
    changelogsOf: (operator: string) => readonly string[],
    mayHaveUncounted: boolean,
  ): Promise<void> {
    await this.#ensureOwn(planTopic(this.#app), 1, exchangeConfigs)
    for (const stage of plan.stages) {
      const count = this.stagePartitions(stage)
      if (this.#exchange === 'topic')
        for (const { exchange } of stage.incoming)
          await this.#ensureOwn(exchangeTopic(this.#app, exchange), count, exchangeConfigs)
      for (const node of stage.nodes)
        if (node.kind === 'sink') {
          await this.#ensure(node.topic.name, statedCount(this.#port, node.topic) ?? count)
          agreedCount(this.#port, this.#app, node.topic, this.partitions(node.topic.name))
        } else
          for (const changelog of changelogsOf(node.name))
            await this.#ensureOwn(changelog, count, changelogConfigs(mayHaveUncounted))
    }
  }

  /**
   * Creates the topics for dead letters, by the app's policy or a source's own.
   *
   * @throws MillraceError INVALID_TOPOLOGY if the app would read the dead letters again
   */
  async prepareDeadLetters({ globals, stages }: Plan, onError: ErrorPolicy): Promise<void> {
    const sources = [...globals, ...stages.flatMap(stage => stage.sources.map(({ topic }) => topic))]
    for (const policy of [onError, ...sources.map(topic => topic.onError)]) {
      if (typeof policy !== 'object') continue
      const { deadLetter } = policy
      if (sources.some(({ name }) => name === deadLetter))
        throw new MillraceError(
          'INVALID_TOPOLOGY',
          `Dead letters of the app '${this.#app}' would go to topic '${deadLetter}', which it reads: each would come in again, and fail again. Give them their own topic.`,
        )
      const stated = statedCount(this.#port, { name: deadLetter, partitions: undefined })
      await this.#ensure(deadLetter, stated ?? 1)
    }
  }

  /** Makes sure that a topic exists, with any partition count. */
  async #ensure(topic: string, partitions: number): Promise<void> {
    if (this.#own.has(topic)) throw this.#isOwn(topic)
    if (this.#counts.has(topic)) return
    this.#counts.set(topic, (await this.#ensured(topic, { partitions }))?.partitions ?? partitions)
  }

  /**
   * Makes sure that one of the app's own topics exists, with its configs. It has as many partitions as its
   * stage.
   */
  async #ensureOwn(topic: string, partitions: number, configs: TopicConfigs): Promise<void> {
    if (this.#counts.has(topic) && !this.#own.has(topic)) throw this.#isOwn(topic)
    this.#own.add(topic)
    const description = await this.#ensured(topic, { partitions, configs, app: this.#app })
    const found = description?.partitions ?? partitions
    if (found !== partitions)
      throw new MillraceError(
        'PARTITION_COUNT_CHANGED',
        `The app '${this.#app}' keeps '${topic}' in ${found} partitions, and what feeds it now has ${partitions}: its state would be looked for in the wrong place. ` +
          'Give the input, or repartition, its old partition count back, or start from scratch with { restart: true }.',
      )
    this.#counts.set(topic, found)
    if (description) await configureOwn(this.#port, description, configs)
  }

  /** A topic as it is on the log. It is created if it is missing; undefined: it was deleted at once. */
  async #ensured(topic: string, config: TopicConfig): Promise<TopicDescription | undefined> {
    const description = await this.#describe(topic)
    if (description && config.app === undefined) {
      checkPublic(description)
      return description
    }
    if (description && description.config.app === config.app) return description
    // A topic that 0.1.0 made for the app exists without an owner: it becomes the app's.
    await createIfMissing(this.#port, topic, config)
    const created = await this.#describe(topic)
    if (created && config.app !== undefined && created.config.app === undefined) throw this.#isForeign(topic)
    return created
  }

  async #describe(topic: string): Promise<TopicDescription | undefined> {
    const description = await this.#port.describeTopic(topic)
    if (description) this.#batchBytesMax.set(topic, description.batchBytesMax)
    return description
  }

  /** Looks up the sources of a stage. Returns those that are missing. */
  async #lookUpSources({ sources }: Inputs): Promise<AnyTopic[]> {
    const missing: AnyTopic[] = []
    for (const { topic } of sources) {
      if (this.#counts.has(topic.name)) continue
      const found = await this.#describe(topic.name)
      if (found) {
        checkPublic(found)
        this.#counts.set(topic.name, agreedCount(this.#port, this.#app, topic, found.partitions))
      } else missing.push(topic)
    }
    return missing
  }

  #isOwn(topic: string): MillraceError {
    return new MillraceError(
      'INVALID_ARGUMENT',
      `The app '${this.#app}' keeps its state, or what is between its stages, in '${topic}', so it cannot read or write a topic of that name: choose another name.`,
    )
  }

  #isForeign(topic: string): MillraceError {
    return new MillraceError(
      'TOPIC_EXISTS',
      `The app '${this.#app}' keeps its state, or what is between its stages, in '${topic}', and there is a topic of that name which is not the app's. ` +
        'Name the operator or the app otherwise, or delete that topic.',
    )
  }

  async #unknown({ name }: AnyTopic): Promise<MillraceError> {
    return missingTopic(name, {
      needs: `which the app '${this.#app}' reads`,
      others: await this.#others(name),
    })
  }

  async #created({ name }: AnyTopic): Promise<string> {
    const count = this.partitions(name)
    return (
      `The app '${this.#app}' reads topic '${name}', which was missing and has been created with ${count} partition${count === 1 ? '' : 's'}. ` +
      `${await this.#others(name)}If the name is right, all is well; a topic that declares its partitions is created with those.`
    )
  }

  /** The topics that the user may have meant by the name of a missing one. */
  async #others(topic: string): Promise<string> {
    const known = (await this.#port.listTopics())
      .filter(({ name, internal }) => !internal && name !== topic && !/-(changelog|repartition)$/.test(name))
      .map(({ name }) => name)
    return known.length > 0
      ? `The log has: ${known.slice(0, topicsNamedMax).join(', ')}. `
      : 'The log has no other topics. '
  }
}
