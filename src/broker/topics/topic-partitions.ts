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
