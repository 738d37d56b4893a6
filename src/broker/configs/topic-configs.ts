/**
 * Kafka's topic configs as of 4.3: types, defaults, ranges, and the broker's names for the default of all
 * topics (`kafka-configs --describe --all`, KIP-226). A config that has no effect here takes only its
 * default, and says why.
 */
import type { TopicConfigName } from '../../port/index.ts'
import { unlimited, type ConfigKind } from './values.ts'

/** A broker's name for the default of a topic config. */
export interface BrokerName {
  readonly name: string
  /** Milliseconds of its unit, where the topic config counts milliseconds. */
  readonly unitMs?: number
}

export interface TopicConfigDefinition {
  readonly kind: ConfigKind
  /** Kafka's default. */
  readonly default: string
  /** By precedence. Only the first one can be altered while the log is open. */
  readonly broker: readonly BrokerName[]
  /** What it does, in one line. */
  readonly does: string
  /** Why it takes only its default. */
  readonly unused?: string
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const codecs = ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer']

const notReplicated = 'millrace replicates nothing: past one machine the log is that of Apache Kafka'
const noTiers = 'millrace has no tiered storage'

function int(min: number, max?: number): ConfigKind {
  return { type: 'int', min, ...(max === undefined ? {} : { max }) }
}

function long(min: number): ConfigKind {
  return { type: 'long', min }
}

const flag: ConfigKind = { type: 'boolean' }

function named(...names: string[]): BrokerName[] {
  return names.map(name => ({ name }))
}

export const topicConfigs: Readonly<Record<TopicConfigName, TopicConfigDefinition>> = {
  'cleanup.policy': {
    kind: { type: 'list', oneOf: ['compact', 'delete'] },
    default: 'delete',
    broker: named('log.cleanup.policy'),
    does: 'delete: retention drops old segments; compact: keeps the latest record per key; empty: keeps all.',
  },
  'compression.gzip.level': {
    kind: int(-1, 9),
    default: '-1',
    broker: named('compression.gzip.level'),
    does: 'The level of gzip, where compression.type makes the log compress again.',
    unused: 'millrace compresses with the default level of each codec',
  },
  'compression.lz4.level': {
    kind: int(1, 17),
    default: '9',
    broker: named('compression.lz4.level'),
    does: 'The level of lz4, where compression.type makes the log compress again.',
    unused: 'millrace compresses with the default level of each codec',
  },
  'compression.type': {
    kind: { type: 'string', oneOf: codecs },
    default: 'producer',
    broker: named('compression.type'),
    does: 'The codec in which batches are stored; producer keeps that of the producer. A batch that it would not make smaller stays uncompressed.',
  },
  'compression.zstd.level': {
    kind: int(-131_072, 22),
    default: '3',
    broker: named('compression.zstd.level'),
    does: 'The level of zstd, where compression.type makes the log compress again.',
    unused: 'millrace compresses with the default level of each codec',
  },
  'delete.retention.ms': {
    kind: long(0),
    default: `${dayMs}`,
    broker: named('log.cleaner.delete.retention.ms'),
    does: 'How long compaction keeps tombstones and markers.',
  },
  'file.delete.delay.ms': {
    kind: long(0),
    default: '60000',
    broker: named('log.segment.delete.delay.ms'),
    does: 'How long the files of a dropped segment stay.',
    unused: 'millrace removes them once its readers have left them',
  },
  'flush.messages': {
    kind: long(1),
    default: unlimited,
    broker: named('log.flush.interval.messages'),
    does: 'With durability os: so many records of a partition are synced before they are acknowledged.',
  },
  'flush.ms': {
    kind: long(0),
    default: unlimited,
    broker: named('log.flush.interval.ms', 'log.flush.scheduler.interval.ms'),
    does: 'With durability os: how long a record may be unsynced.',
  },
  'follower.replication.throttled.replicas': {
    kind: { type: 'list' },
    default: '',
    broker: [],
    does: 'Replicas whose followers are throttled.',
    unused: notReplicated,
  },
  'index.interval.bytes': {
    kind: int(0),
    default: '4096',
    broker: named('log.index.interval.bytes'),
    does: 'Bytes of log per index entry. A change holds for what is appended from then on.',
  },
  'leader.replication.throttled.replicas': {
    kind: { type: 'list' },
    default: '',
    broker: [],
    does: 'Replicas whose leaders are throttled.',
    unused: notReplicated,
  },
  'local.retention.bytes': {
    kind: long(-2),
    default: '-2',
    broker: named('log.local.retention.bytes'),
    does: 'Bytes that stay on the broker of a tiered topic.',
    unused: noTiers,
  },
  'local.retention.ms': {
    kind: long(-2),
    default: '-2',
    broker: named('log.local.retention.ms'),
    does: 'How long segments of a tiered topic stay on the broker.',
    unused: noTiers,
  },
  'max.compaction.lag.ms': {
    kind: long(1),
    default: unlimited,
    broker: named('log.cleaner.max.compaction.lag.ms'),
    does: 'How long a record of a compacted topic may wait for compaction.',
  },
  'max.message.bytes': {
    kind: int(0),
    default: '1048588',
    broker: named('message.max.bytes'),
    does: 'Bytes of the largest batch that is taken, compressed as it is sent.',
  },
  'message.timestamp.after.max.ms': {
    kind: long(0),
    default: '3600000',
    broker: named('log.message.timestamp.after.max.ms'),
    does: 'How far the timestamp of a record may be ahead of the clock; with CreateTime.',
  },
  'message.timestamp.before.max.ms': {
    kind: long(0),
    default: unlimited,
    broker: named('log.message.timestamp.before.max.ms'),
    does: 'How far the timestamp of a record may be behind the clock; with CreateTime.',
  },
  'message.timestamp.type': {
    kind: { type: 'string', oneOf: ['CreateTime', 'LogAppendTime'] },
    default: 'CreateTime',
    broker: named('log.message.timestamp.type'),
    does: 'Whether records keep the timestamp of their producer or get that of their append.',
  },
  'min.cleanable.dirty.ratio': {
    kind: { type: 'double', min: 0, max: 1 },
    default: '0.5',
    broker: named('log.cleaner.min.cleanable.ratio'),
    does: 'The share of uncompacted bytes from which on a topic is compacted.',
  },
  'min.compaction.lag.ms': {
    kind: long(0),
    default: '0',
    broker: named('log.cleaner.min.compaction.lag.ms'),
    does: 'How long a record stays uncompacted at least.',
  },
  'min.insync.replicas': {
    kind: int(1),
    default: '1',
    broker: named('min.insync.replicas'),
    does: 'Replicas that must have a record before it is acknowledged with acks=all.',
    unused: notReplicated,
  },
  preallocate: {
    kind: flag,
    default: 'false',
    broker: named('log.preallocate'),
    does: 'Makes segment files with their full size.',
    unused: 'a file that ends in zeros cannot be told from a damaged one',
  },
  'remote.log.copy.disable': {
    kind: flag,
    default: 'false',
    broker: [],
    does: 'Copies no more segments to the remote tier.',
    unused: noTiers,
  },
  'remote.log.delete.on.disable': {
    kind: flag,
    default: 'false',
    broker: [],
    does: 'Deletes the remote tier when it is switched off.',
    unused: noTiers,
  },
  'remote.storage.enable': {
    kind: flag,
    default: 'false',
    broker: [],
    does: 'Keeps older segments in a remote tier.',
    unused: noTiers,
  },
  'retention.bytes': {
    kind: long(Number.MIN_SAFE_INTEGER),
    default: '-1',
    broker: named('log.retention.bytes'),
    does: 'Bytes kept per partition before old segments are dropped; -1 keeps all.',
  },
  'retention.ms': {
    kind: long(-1),
    default: `${7 * dayMs}`,
    broker: [
      { name: 'log.retention.ms' },
      { name: 'log.retention.minutes', unitMs: minuteMs },
      { name: 'log.retention.hours', unitMs: hourMs },
    ],
    does: 'How long records are kept before their segments are dropped; -1 keeps all.',
  },
  'segment.bytes': {
    // Kafka's range before 4.0; KIP-1030 has raised its minimum to 1 MiB.
    kind: int(14),
    default: `${1 << 30}`,
    broker: named('log.segment.bytes'),
    does: 'Bytes at which a segment is closed and a new one begun.',
  },
  'segment.index.bytes': {
    kind: int(4),
    default: `${10 << 20}`,
    broker: named('log.index.size.max.bytes'),
    does: 'Bytes of the offset index at which a new segment is begun.',
  },
  'segment.jitter.ms': {
    kind: long(0),
    default: '0',
    broker: [{ name: 'log.roll.jitter.ms' }, { name: 'log.roll.jitter.hours', unitMs: hourMs }],
    does: 'Spreads the rolls of segment.ms over so long.',
    unused: 'rolls here are cheap, and need not be spread',
  },
  'segment.ms': {
    kind: long(1),
    default: `${7 * dayMs}`,
    broker: [{ name: 'log.roll.ms' }, { name: 'log.roll.hours', unitMs: hourMs }],
    does: 'How long after its first append a segment is closed and a new one begun.',
  },
  'unclean.leader.election.enable': {
    kind: flag,
    default: 'false',
    broker: named('unclean.leader.election.enable'),
    does: 'Whether a replica that lacks records may become the leader.',
    unused: notReplicated,
  },
}

export const topicConfigNames: readonly TopicConfigName[] = Object.keys(topicConfigs) as TopicConfigName[]

export function topicConfig(name: string): TopicConfigDefinition | undefined {
  return Object.hasOwn(topicConfigs, name) ? topicConfigs[name as TopicConfigName] : undefined
}
