/**
 * Compares the list of topics with the partitions on the disk. The list can be lost, or be an older copy; a
 * folder can be lost, or restored from another time. Facts that the partitions prove are taken over. A
 * contradiction breaks its topic, and no other.
 *
 * | the list           | the partitions' topic ids | the topic                                    |
 * | ------------------ | ------------------------- | -------------------------------------------- |
 * | has the topic      | its id, or none           | stays; broken where a partition is missing   |
 * | has the topic      | one other id              | is the one of the partitions: the list is old |
 * | does not have it   | one id                    | is found again, as it was                    |
 * | does not have it   | none                      | is found again by the numbers of its folders |
 * | either             | several ids               | is broken                                    |
 *
 * Where the partitions state a larger count than the list does, the topic has grown since.
 *
 * Partitions without an id are of millrace 0.1.0, or of Apache Kafka. 0.1.0 created missing partitions at
 * start. For its topics this is done once more.
 */
import type { PartitionConfig } from '../../log/index.ts'
import type { StoredTopic } from '../internal/metadata.ts'
import { internalTopics, mayBeOfApp } from '../internal/topic-names.ts'
import { newTopic } from './topic-descriptions.ts'

export interface FoundPartition {
  readonly topic: string
  readonly index: number
  readonly config: PartitionConfig
}

export interface ReconciledTopic {
  readonly topic: StoredTopic
  /** Why it cannot be used, with the remedy. */
  readonly broken?: string
}

/** A topic of an app is deleted with the app, not alone. */
function wayOut({ app }: StoredTopic): string {
  return app === undefined
    ? 'Restore the missing folders from a backup, or delete the topic (with everything in it) and create it again.'
    : `It belongs to the app '${app}'. Restore the missing folders from a backup, or let the app start from scratch: ` +
        `run it with { restart: true }, or stop it and run 'millrace app delete ${app}'.`
}

/**
 * `isProved`: the list carries a proof, so it was written by a version that makes a topic's partitions before
 * the topic counts.
 */
export function reconcile(
  stored: readonly StoredTopic[],
  partitions: Iterable<FoundPartition>,
  isProved: boolean,
  newId: () => string,
): ReconciledTopic[] {
  const found = Map.groupBy(partitions, ({ topic }) => topic)
  const names = new Set([...stored.map(({ name }) => name), ...found.keys()])
  const byName = new Map(stored.map(topic => [topic.name, topic]))
  return [...names].map(name => reconcileOne(name, byName.get(name), found.get(name) ?? [], isProved, newId))
}

function reconcileOne(
  name: string,
  stored: StoredTopic | undefined,
  found: readonly FoundPartition[],
  isProved: boolean,
  newId: () => string,
): ReconciledTopic {
  const ids = [...new Set(found.flatMap(({ config }) => config.topicId ?? []))]
  const topic =
    stored && (ids.length !== 1 || ids[0] === stored.id) ? stored : ofPartitions(name, found, newId)
  if (ids.length > 1)
    return {
      topic,
      broken: `its partitions are of ${ids.length} different topics of that name. ${wayOut(topic)}`,
    }
  if (topic.creating || topic.deleting) return { topic }
  return reconcileCount(grownBy(topic, found), found, ids.length === 0 && (!isProved || !stored))
}

/**
 * A topic grows and never shrinks. The partitions that it had learn of its new count when it counts already:
 * if one of them states more than the list does, the list is old.
 */
function grownBy(topic: StoredTopic, found: readonly FoundPartition[]): StoredTopic {
  const partitions = Math.max(
    topic.partitions,
    ...found.map(({ index, config }) => (index < topic.partitions ? (config.partitions ?? 0) : 0)),
  )
  if (partitions === topic.partitions) return topic
  const { growingTo: _growingTo, ...grown } = topic
  return { ...grown, partitions }
}

/** `mayBeMade`: an older version made topics before their partitions. */
function reconcileCount(
  topic: StoredTopic,
  found: readonly FoundPartition[],
  mayBeMade: boolean,
): ReconciledTopic {
  const { name, partitions, growingTo = partitions } = topic
  const beyond = found.find(({ index }) => index >= growingTo)
  if (beyond)
    return {
      topic,
      broken:
        `metadata.json says that it has ${partitions} partitions, and there is a folder of partition ${beyond.index}. ` +
        'Restore metadata.json from a backup, or move it away: topics are then found again by their partitions.',
    }
  const present = new Set(found.map(({ index }) => index))
  const missing = Array.from({ length: partitions }, (_, index) => index).filter(index => !present.has(index))
  // The log works without its internal topics, and learns by `cutAt` that one is lost.
  if (missing.length > 0 && !mayBeMade && !internalTopics.includes(name)) {
    const folders = missing.slice(0, 3).map(index => `${name}-${index}`)
    return {
      topic,
      broken: `${missing.length} of its ${partitions} partitions are missing on the disk (${folders.join(', ')}${missing.length > 3 ? ', …' : ''}). ${wayOut(topic)}`,
    }
  }
  return { topic }
}

/** The topic as its partitions describe it. */
function ofPartitions(name: string, found: readonly FoundPartition[], newId: () => string): StoredTopic {
  const { config } = found.find(each => each.config.topicId !== undefined) ?? found[0]!
  const { topicId, configs, app } = config
  const stated = Math.max(...found.map(each => each.config.partitions ?? 0))
  return {
    ...newTopic({
      name,
      id: topicId ?? newId(),
      partitions: stated || Math.max(...found.map(({ index }) => index)) + 1,
      configs,
      app,
    }),
    ...(topicId === undefined && mayBeOfApp({ name, ...config }) ? { unclaimed: true } : {}),
  }
}
