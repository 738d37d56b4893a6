/**
 * Configs of the broker, by Kafka's names: the defaults of topics, and its own. Those given when the log is
 * opened are **static**. The defaults of topics that are altered while it is open are kept in its metadata,
 * and win.
 */
import { nearestName, type MillraceError } from '../../base/index.ts'
import type { BrokerConfigs, TopicConfigName } from '../../port/index.ts'
import {
  checkValue,
  isTrue,
  invalid,
  numberOf,
  textOf,
  unlimited,
  type ConfigKind,
  type ConfigTexts,
} from './values.ts'
import { topicConfig, topicConfigNames, topicConfigs, type TopicConfigDefinition } from './topic-configs.ts'

/** A config of the broker alone, which only an option at opening sets. */
export interface BrokerOnlyDefinition {
  readonly kind: ConfigKind
  readonly default: string
  readonly does: string
}

export const brokerOnlyConfigs: Readonly<Record<string, BrokerOnlyDefinition>> = {
  'auto.create.topics.enable': {
    kind: { type: 'boolean' },
    default: 'true',
    does: 'Whether a client over TCP creates a topic by asking for its metadata.',
  },
  'delete.topic.enable': {
    kind: { type: 'boolean' },
    default: 'true',
    does: 'Whether a client over TCP may delete topics.',
  },
  'num.partitions': {
    kind: { type: 'int', min: 1 },
    default: '1',
    does: 'Partitions of a topic that is created without a count over TCP.',
  },
  'socket.request.max.bytes': {
    kind: { type: 'int', min: 1 },
    default: '104857600',
    does: 'Bytes of the largest request over TCP; a larger one ends its connection.',
  },
  'queued.max.request.bytes': {
    kind: { type: 'long', min: -1 },
    default: '268435456',
    does: 'Bytes of large requests, of all connections together; -1: no limit (the default of Kafka).',
  },
  'max.connections': {
    kind: { type: 'int', min: 0 },
    default: '10000',
    does: 'Connections at a time (2147483647 for a broker of Kafka: all).',
  },
  'max.connections.per.ip': {
    kind: { type: 'int', min: 0 },
    default: '2147483647',
    does: 'Connections at a time from one address.',
  },
  'connections.max.idle.ms': {
    kind: { type: 'long', min: -1 },
    default: '600000',
    does: 'How long a connection may be without a request; -1: no limit.',
  },
  'fetch.max.bytes': {
    kind: { type: 'int', min: 1024 },
    default: '57671680',
    does: 'Bytes of records in the largest answer to a fetch; one batch that is larger goes alone.',
  },
  'max.incremental.fetch.session.cache.slots': {
    kind: { type: 'int', min: 0 },
    default: '1000',
    does: 'Fetch sessions that are kept at a time.',
  },
  'max.request.partition.size.limit': {
    kind: { type: 'int', min: 1 },
    default: '2000',
    does: 'Partitions in the largest answer to DescribeTopicPartitions.',
  },
  'log.cleaner.backoff.ms': {
    kind: { type: 'long', min: 0 },
    default: '15000',
    does: 'How long compaction rests once no topic needs it.',
  },
  'log.cleaner.dedupe.buffer.size': {
    kind: { type: 'long', min: 24 },
    default: '134217728',
    does: 'Bytes for the keys of one pass of compaction, 24 a key; a pass over more keys covers the first ones.',
  },
  'log.retention.check.interval.ms': {
    kind: { type: 'long', min: 1 },
    default: '300000',
    does: 'How often the log looks for segments that retention does not keep.',
  },
  'producer.id.expiration.ms': {
    kind: { type: 'int', min: 1 },
    default: '86400000',
    does: 'How long a partition remembers a producer after its last write, outside of transactions.',
  },
  'transaction.max.timeout.ms': {
    kind: { type: 'int', min: 1 },
    default: '900000',
    does: 'The longest time-out of transactions that a producer may ask for.',
  },
  'transaction.remove.expired.transaction.cleanup.interval.ms': {
    kind: { type: 'int', min: 1 },
    default: '3600000',
    does: 'How often transactional ids that have expired are forgotten.',
  },
  'transactional.id.expiration.ms': {
    kind: { type: 'int', min: 1 },
    default: '604800000',
    does: 'How long a transactional id is remembered after the end of its last transaction.',
  },
  'offset.metadata.max.bytes': {
    kind: { type: 'int', min: 0 },
    default: '4096',
    does: 'The longest metadata of an offset that a client over TCP commits, in UTF-16 units as in Kafka.',
  },
  'offsets.retention.minutes': {
    kind: { type: 'int', min: 1 },
    default: '10080',
    does: 'How long the offsets of a consumer group without members are kept. Those of apps and connectors stay.',
  },
  'offsets.retention.check.interval.ms': {
    kind: { type: 'long', min: 1 },
    default: '600000',
    does: 'How often the log looks for offsets that are kept no longer.',
  },
  'group.initial.rebalance.delay.ms': {
    kind: { type: 'int', min: 0 },
    default: '0',
    does: 'How long an empty group waits for more members (3000 for a broker of Kafka).',
  },
  'group.max.size': {
    kind: { type: 'int', min: 1 },
    default: '2147483647',
    does: 'The most members of one group.',
  },
  'group.min.session.timeout.ms': {
    kind: { type: 'int', min: 1 },
    default: '6000',
    does: 'The shortest session time-out of a member.',
  },
  'group.max.session.timeout.ms': {
    kind: { type: 'int', min: 1 },
    default: '1800000',
    does: 'The longest session time-out of a member.',
  },
}

/** A broker's name for the default of a topic config. */
export interface BrokerSynonym {
  readonly topicConfig: TopicConfigName
  readonly unitMs: number | undefined
  /** The first name of several: the one that can be altered while the log is open. */
  readonly isFirst: boolean
}

export const brokerSynonyms: ReadonlyMap<string, BrokerSynonym> = new Map(
  topicConfigNames.flatMap(name =>
    topicConfigs[name].broker.map(({ name: broker, unitMs }, index): [string, BrokerSynonym] => [
      broker,
      { topicConfig: name, unitMs, isFirst: index === 0 },
    ]),
  ),
)

/**
 * What a log in process starts with where Kafka's default would drop or refuse records: it keeps all, takes
 * batches of any size that fits a segment, and any timestamp.
 */
const inProcessDefaults: Readonly<Partial<Record<TopicConfigName, string>>> = {
  'retention.ms': '-1',
  'max.message.bytes': '2147483647',
  'message.timestamp.after.max.ms': unlimited,
}

/** Whose defaults hold where no config says otherwise: those of Kafka, or of {@link inProcessDefaults}. */
export type Defaults = 'kafka' | 'in-process'

/**
 * The static configs of a broker: the given ones, and those of a log in process unless one of their names is
 * given.
 * @throws MillraceError INVALID_CONFIG
 */
export function staticConfigs(given: BrokerConfigs = {}, defaults: Defaults = 'in-process'): ConfigTexts {
  const texts: Record<string, string> = {}
  for (const [name, value] of Object.entries(given)) {
    const text = textOf(name, value)
    checkBrokerConfig(name, text)
    texts[name] = text
  }
  const added = defaults === 'kafka' ? {} : inProcessDefaults
  for (const [name, text] of Object.entries(added)) {
    const names = topicConfigs[name as TopicConfigName].broker
    if (names.every(each => texts[each.name] === undefined)) texts[names[0]!.name] = text
  }
  checkSessionTimeouts(texts)
  return texts
}

/** Otherwise no member could join a group. INVALID_CONFIG. */
function checkSessionTimeouts(texts: ConfigTexts): void {
  const [minName, maxName] = ['group.min.session.timeout.ms', 'group.max.session.timeout.ms']
  const [min, max] = [brokerOnlyNumber(texts, minName), brokerOnlyNumber(texts, maxName)]
  if (min <= max) return
  if (texts[maxName] === undefined) throw invalid(minName, `must be at most ${maxName}, which is ${max}`)
  throw invalid(maxName, `must be at least ${minName}, which is ${min}`)
}

/** The number of a config of the broker alone. */
export function brokerOnlyNumber(statics: ConfigTexts, name: string): number {
  return numberOf(statics[name] ?? brokerOnlyConfigs[name]!.default)
}

/** What the log itself takes of the static configs: nothing that is not given. */
export function logOptions(statics: ConfigTexts): { readonly producerIdExpirationMs?: number } {
  const expirationMs = statics['producer.id.expiration.ms']
  return expirationMs === undefined ? {} : { producerIdExpirationMs: Number(expirationMs) }
}

export function isBrokerConfig(name: string): boolean {
  return brokerSynonyms.has(name) || Object.hasOwn(brokerOnlyConfigs, name)
}

/** INVALID_CONFIG for an unknown name, or a value that the config does not take. */
export function checkBrokerConfig(name: string, text: string): void {
  const synonym = brokerSynonyms.get(name)
  if (synonym) {
    const { kind } = topicConfigs[synonym.topicConfig]
    if (synonym.unitMs !== undefined) checkValue(name, { type: 'int', min: -1 }, text)
    const inTopic = inTopicUnits(text, synonym.unitMs)
    checkValue(name, kind, inTopic)
    checkUsed(name, topicConfigs[synonym.topicConfig], inTopic)
  } else if (Object.hasOwn(brokerOnlyConfigs, name)) checkValue(name, brokerOnlyConfigs[name]!.kind, text)
  else throw unknownConfig(name, [...brokerSynonyms.keys(), ...Object.keys(brokerOnlyConfigs)])
}

/** INVALID_CONFIG for an unknown name, or a value that the config does not take. */
export function checkTopicConfig(name: string, text: string): void {
  const definition = topicConfig(name)
  if (!definition) throw unknownConfig(name, topicConfigNames)
  checkValue(name, definition.kind, text)
  checkUsed(name, definition, text)
}

export function unknownConfig(name: string, known: readonly string[]): MillraceError {
  const nearest = nearestName(name, known)
  return invalid(name, `is unknown${nearest === undefined ? '' : ` (did you mean '${nearest}'?)`}`)
}

/** The broker's value as the topic config has it. */
export function inTopicUnits(text: string, unitMs: number | undefined): string {
  if (unitMs === undefined) return text
  const units = Number(text)
  return units < 0 ? '-1' : `${units * unitMs}`
}

function checkUsed(name: string, definition: TopicConfigDefinition, text: string): void {
  if (definition.unused === undefined || isSame(definition.kind, text, definition.default)) return
  throw invalid(name, `takes only its default '${definition.default}', not '${text}': ${definition.unused}`)
}

function isSame({ type }: ConfigKind, text: string, other: string): boolean {
  if (type === 'boolean') return isTrue(text) === isTrue(other)
  if (type === 'int' || type === 'long') return BigInt(text.replace('+', '')) === BigInt(other)
  return text === other
}
