/** The partitions of topics, open or not recovered yet. */
import type { LogDirectory, Partition, UnrecoveredPartition } from '../../log/index.ts'
import type { StoredTopic } from '../internal/metadata.ts'

export type AnyPartition = Partition | UnrecoveredPartition

/** Those that a topic has. By their indexes: one that is recovered meanwhile is still found. */
export function* partitionsOf(log: LogDirectory, { name, partitions }: StoredTopic): Generator<AnyPartition> {
  for (let index = 0; index < partitions; index += 1) {
    const partition = log.partition(name, index) ?? log.unrecoveredPartition(name, index)
    if (partition) yield partition
  }
}

/** Those of all topics, and folders that no topic has. */
export function* allPartitions(log: LogDirectory): Generator<AnyPartition> {
  yield* log.partitions()
  yield* log.unrecovered()
}

/** The topics, as far as {@link usePartition} needs them. */
export interface UsedTopics {
  opened(topic: string, index: number): Promise<Partition>
  /** Throws if there is no such topic, or partition. */
  check(topic: string, index: number): void
}

/**
 * Calls `use` with a partition, once it is open. A call that fails because its topic is deleted meanwhile
 * fails with UNKNOWN_TOPIC.
 */
export async function usePartition<T>(
  topics: UsedTopics,
  topic: string,
  index: number,
  use: (partition: Partition) => Promise<T>,
): Promise<T> {
  const partition = await topics.opened(topic, index)
  try {
    return await use(partition)
  } catch (error) {
    topics.check(topic, index)
    throw error
  }
}
