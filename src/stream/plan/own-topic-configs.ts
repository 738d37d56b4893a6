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
 */
import type { ConfigChange, ConfigValue, LogPort, TopicConfigs, TopicDescription } from '../../port/index.ts'

/** The most that a key keeps, or a record between two stages takes: each must fit into a segment. */
const segmentBytes = 16 << 20
const segmentMs = 60_000
const uncountedSegmentMs = 3_600_000
const exchangeSegmentMs = 600_000
/** How long a tombstone is kept. A start that takes longer reads a changelog again (`state/changelog.ts`). */
export const tombstonesMs = 600_000
/** How long changes that no commit counts stay uncompacted. */
export const uncountedMs = 86_400_000

/** The configs of a topic between two stages; also of the plan's, which has a record for each program. */
export const exchangeConfigs: TopicConfigs = {
  'segment.bytes': segmentBytes,
  'segment.ms': exchangeSegmentMs,
}

/** `mayHaveUncounted`: the app runs, or has run, at least once. */
export function changelogConfigs(mayHaveUncounted: boolean): TopicConfigs {
  return {
    'cleanup.policy': 'compact',
    'delete.retention.ms': tombstonesMs,
    'segment.bytes': segmentBytes,
    'segment.ms': mayHaveUncounted ? uncountedSegmentMs : segmentMs,
    ...(mayHaveUncounted && { 'min.compaction.lag.ms': uncountedMs }),
  }
}

/**
 * Gives an existing topic the configs, such as a changelog that an earlier version made. What somebody has
 * set stays, but for the policy and the lag: the state depends on them. So does a larger segment: its batches
 * may be larger than a new one would take.
 */
export async function configureOwn(
  port: LogPort,
  { name, config }: TopicDescription,
  wanted: TopicConfigs,
): Promise<void> {
  const found: TopicConfigs = config.configs ?? {}
  const changes = Object.entries(wanted)
    .filter(([key, value]) => value !== undefined && isWanting(key, found[key], value))
    .map(([key, value]): ConfigChange => ({ name: key, op: 'set', value: value as ConfigValue }))
  if (changes.length > 0) await port.admin.alterConfigs({ type: 'topic', name }, changes)
}

function isWanting(name: string, found: ConfigValue | undefined, wanted: ConfigValue): boolean {
  if (name === 'cleanup.policy') return found !== wanted
  if (name === 'min.compaction.lag.ms') return Number(found ?? 0) < Number(wanted)
  return found === undefined
}
