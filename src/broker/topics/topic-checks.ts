/** Checks of topics: names, configurations, partitions, and what may wait. */
import { checkTopicName, isMillraceError, MillraceError, partitionsMax } from '../../base/index.ts'
import type { TopicConfigs } from '../../port/index.ts'
import { checkTopicConfig } from '../configs/broker-configs.ts'
import { textOf, type ConfigTexts } from '../configs/values.ts'
import type { StoredTopic } from '../internal/metadata.ts'
import { appNeeds, clusterMetadataTopic, internalTopics, isNamedAsOfApp } from '../internal/topic-names.ts'
import { flattened, type KnownTopics } from './known-topics.ts'

/**
 * Kafka's rules for the name of a new topic, so that a program that runs here runs on a cluster. `creating`:
 * topics that are being made. INVALID_ARGUMENT.
 */
export function checkName(name: string, known: KnownTopics, creating: ReadonlySet<string>): void {
  checkTopicName(name)
  const isLike = (other: string): boolean => other !== name && flattened(other) === flattened(name)
  const other = known.nameLike(name) ?? [...creating].find(isLike)
  if (other !== undefined)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `Topic '${name}' differs from '${other}' only in '.' and '_', which Kafka refuses.`,
    )
}

/** Names that users cannot give to their topics. INVALID_ARGUMENT. */
export function checkNotReserved(name: string): void {
  if (internalTopics.includes(name))
    throw new MillraceError('INVALID_ARGUMENT', `'${name}' is internal to the log. Choose another name.`)
  if (name === clusterMetadataTopic)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `'${name}' is the name under which Apache Kafka keeps the metadata of a cluster. Choose another name.`,
    )
}

/** INVALID_ARGUMENT. */
export function checkPartitionCount(name: string, partitions: number): void {
  if (!Number.isSafeInteger(partitions) || partitions < 1 || partitions > partitionsMax)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `Topic '${name}': partitions must be a whole number from 1 to ${partitionsMax}, not ${partitions}.`,
    )
}

/**
 * A topic may get so many partitions: more than it has. INVALID_ARGUMENT, also for a topic whose users depend
 * on its count.
 */
export function checkGrowth(topic: StoredTopic, partitions: number): void {
  const { name, app, internal, partitions: present } = topic
  if (internal || app !== undefined)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `Topic '${name}' is internal to ${app === undefined ? 'the log' : `the app '${app}'`}, which depends on its partitions.`,
    )
  checkPartitionCount(name, partitions)
  if (partitions <= present)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `Topic '${name}' has ${present} partitions: ask for more than that, not for ${partitions}. Partitions are never removed.`,
    )
}

/** The configs of a new topic, as texts. INVALID_CONFIG. */
export function checkedConfigs(configs: TopicConfigs = {}): ConfigTexts {
  const texts: Record<string, string> = {}
  for (const [name, value] of Object.entries(configs)) {
    texts[name] = textOf(name, value)
    checkTopicConfig(name, texts[name])
  }
  return texts
}

/**
 * Configs that an app's results depend on keep the app's values. Others may be altered.
 * @throws MillraceError INVALID_CONFIG
 */
export function checkOwnConfigs({ name, app, configs: before = {} }: StoredTopic, after: ConfigTexts): void {
  if (app === undefined) return
  for (const [config, needed] of Object.entries(appNeeds(name))) {
    const value = after[config]
    if (value === needed || value === before[config]) continue
    throw new MillraceError(
      'INVALID_CONFIG',
      `Config '${config}' of topic '${name}' must stay '${needed}': the app '${app}' keeps its state, or what is between its stages, there, and its results would become wrong.`,
    )
  }
}

/** Whether 0.1.0 made the topic for the app that asks for it. */
export function canBeClaimed(topic: StoredTopic, app: string, partitions: number): boolean {
  return topic.unclaimed === true && isNamedAsOfApp(topic.name, app) && topic.partitions === partitions
}

export function unknownPartition({ name, partitions }: StoredTopic, index: number): MillraceError {
  return new MillraceError(
    'UNKNOWN_PARTITION',
    `Topic '${name}' has the partitions 0 to ${partitions - 1}, not ${index}.`,
  )
}

/** Throws what does not go away by itself, as a full disk may. */
export function unlessRetriable(error: unknown): void {
  if (!isMillraceError(error) || !error.retriable) throw error
}
