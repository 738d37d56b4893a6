/** A topic of the metadata file: a new one; and its forms for users, and in the config.json of partitions. */
import type { Partition, PartitionConfig, PartitionSettings } from '../../log/index.ts'
import type { PartitionDescription, TopicConfig, TopicDescription } from '../../port/index.ts'
import type { ConfigTexts } from '../configs/values.ts'
import type { StoredTopic } from '../internal/metadata.ts'
import { internalTopics, keptWhole } from '../internal/topic-names.ts'

/** A topic of users, of an app, or internal to the log. Records of the latter two are kept. */
export function newTopic({
  name,
  id,
  partitions,
  configs = {},
  app,
}: Pick<StoredTopic, 'name' | 'id' | 'partitions'> & {
  readonly configs: ConfigTexts | undefined
  readonly app: string | undefined
}): StoredTopic {
  const isInternal = internalTopics.includes(name)
  const own = isInternal || app !== undefined ? { ...keptWhole, ...configs } : configs
  return {
    name,
    id,
    partitions,
    ...(Object.keys(own).length === 0 ? {} : { configs: own }),
    ...(isInternal ? { internal: true } : {}),
    ...(app === undefined ? {} : { app }),
  }
}

/** A topic as users see it; `settings`: those of its partitions. */
export function description(topic: StoredTopic, settings: PartitionSettings): TopicDescription {
  const { id, name, partitions, configs, internal, app } = topic
  const config: TopicConfig = {
    partitions,
    ...(configs === undefined ? {} : { configs }),
    ...(app === undefined ? {} : { app }),
  }
  return {
    name,
    id,
    partitions,
    config,
    batchBytesMax: Math.min(settings.maxMessageBytes, settings.segmentBytes),
    internal: (internal ?? false) || app !== undefined,
  }
}

/** A partition as users see it; `compact`: its topic is compacted. */
export async function describedPartition(
  partition: Partition,
  compact: boolean,
): Promise<PartitionDescription> {
  const { index, logStartOffset, lastStableOffset, failure, compaction } = partition
  const uncleanable = compact ? await compaction.uncleanable() : undefined
  return {
    partition: index,
    startOffset: logStartOffset,
    endOffset: lastStableOffset,
    ...(failure === undefined ? {} : { failure: { code: failure.code, message: failure.message } }),
    ...(uncleanable === undefined ? {} : { uncleanable }),
  }
}

/** With what the partition itself states: its last cut stays. */
export function vouchedConfig(
  { config: { cutAt, cutId } }: Pick<Partition, 'config'>,
  topic: StoredTopic,
): PartitionConfig {
  const cut = { ...(cutAt === undefined ? {} : { cutAt }), ...(cutId === undefined ? {} : { cutId }) }
  return { ...partitionConfig(topic), ...cut }
}

/** What each of its partitions says of it. */
export function partitionConfig({ id, partitions, app, configs }: StoredTopic): PartitionConfig {
  return {
    ...(configs ? { configs } : {}),
    topicId: id,
    partitions,
    ...(app === undefined ? {} : { app }),
  }
}

/** The topics, of which those with these ids are being deleted. */
export function deleting(topics: readonly StoredTopic[], ids: ReadonlySet<string>): StoredTopic[] {
  return topics.map(topic => (ids.has(topic.id) ? { ...topic, deleting: true } : topic))
}
