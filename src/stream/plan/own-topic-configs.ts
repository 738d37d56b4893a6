/**
 * The configs of the topics that an app keeps for itself, so that they stay small.
 *
 * A changelog is compacted. Its segments end early, since compaction leaves the last one alone: that is what
 * a start reads beside the latest value of each key. A topic between two stages is purged behind the commits
 * of its readers (run/purge.ts), a segment at a time: a slow one would keep hours of records without an end
 * of its segments by time.
 *
 * At least once, a crash leaves changes in a changelog that no commit counts, and the next run reverts them.
 * Compaction must not take them for the latest before that: it leaves a day of changes alone. Shorter
 * segments than an hour would only make many files of that day.
 *
 * Each config that has an effect is stated, so that no default of the broker takes its place. The log states
 * those of `keptWhole` (broker/internal/topic-names.ts) by itself, and refuses changes of most.
 */
import type { ConfigChange, ConfigValue, LogPort, TopicConfigs, TopicDescription } from '../../port/index.ts'

/** The most that a key keeps, or a record between two stages takes: each must fit into a segment. */
const segmentBytes = 16 << 20
const segmentMs = 60_000
const uncountedSegmentMs = 3_600_000
const exchangeSegmentMs = 600_000
/** How long a tombstone is kept. A start that takes longer reads a changelog again (`state/changelog.ts`). */
const tombstonesMs = 600_000
/** Less time than any start can count on. */
const tombstonesMsMin = 60_000
/** How long changes that no commit counts stay uncompacted. */
export const uncountedMs = 86_400_000

/** Kafka's largest long, as its text: no limit. */
const unlimited = '9223372036854775807'
/** What the log lets nobody change. A log of an earlier version did. */
const needed: TopicConfigs = {
  'message.timestamp.after.max.ms': unlimited,
  'message.timestamp.before.max.ms': unlimited,
  'message.timestamp.type': 'CreateTime',
  'retention.bytes': '-1',
  'retention.ms': '-1',
}
/** Kafka's defaults, where nothing else is needed. */
const everyTopic: TopicConfigs = {
  ...needed,
  'index.interval.bytes': 4096,
  'segment.index.bytes': 10 << 20,
  'segment.bytes': segmentBytes,
}

/** The configs of a topic between two stages; also of the plan's, which has a record for each program. */
export const exchangeConfigs: TopicConfigs = {
  ...everyTopic,
  'cleanup.policy': 'delete',
  'segment.ms': exchangeSegmentMs,
}

/** `mayHaveUncounted`: the app runs, or has run, at least once. */
export function changelogConfigs(mayHaveUncounted: boolean): TopicConfigs {
  return {
    ...everyTopic,
    'cleanup.policy': 'compact',
    'delete.retention.ms': tombstonesMs,
    'segment.ms': mayHaveUncounted ? uncountedSegmentMs : segmentMs,
    'min.cleanable.dirty.ratio': 0.5,
    'min.compaction.lag.ms': mayHaveUncounted ? uncountedMs : 0,
    'max.compaction.lag.ms': unlimited,
  }
}

/**
 * Gives an existing topic the configs, such as a changelog that an earlier version made. What somebody has
 * set stays, but for the policy, the lags, and a `delete.retention.ms` of less than a minute: state and purge
 * depend on them. A larger segment stays, too: its batches may be larger than a new one would take.
 */
export async function configureOwn(
  port: LogPort,
  { name, config }: TopicDescription,
  wanted: TopicConfigs,
): Promise<void> {
  const found: TopicConfigs = config.configs ?? {}
  const changes = Object.entries(wanted)
    .filter(([key]) => isWanting(key, found[key], wanted))
    .map(([key, value]): ConfigChange => ({ name: key, op: 'set', value: value as ConfigValue }))
  if (changes.length > 0) await port.admin.alterConfigs({ type: 'topic', name }, changes)
}

/** How long an existing changelog keeps tombstones: somebody may have set another time than ours. */
export async function keptTombstonesMs(port: LogPort, changelog: string): Promise<number> {
  const resource = { type: 'topic', name: changelog } as const
  const [config] = await port.admin.describeConfigs(resource, ['delete.retention.ms'])
  return Number(config?.value ?? tombstonesMs)
}

function isWanting(name: string, found: ConfigValue | undefined, wanted: TopicConfigs): boolean {
  if (found === undefined) return true
  if (name === 'cleanup.policy' || name in needed) return found !== wanted[name]
  if (name === 'min.compaction.lag.ms') return Number(found) < Number(wanted[name])
  if (name === 'delete.retention.ms') return Number(found) < tombstonesMsMin
  // A shorter maximum than the minimum would be refused.
  if (name === 'max.compaction.lag.ms') return Number(found) < Number(wanted['min.compaction.lag.ms'])
  // Our own value while the app ran exactly once: nobody else has set it.
  if (name === 'segment.ms') return Number(found) === segmentMs && wanted[name] === uncountedSegmentMs
  return false
}
