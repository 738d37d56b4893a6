/** Makes and removes partitions of a data directory, and writes their configurations. */
import { MillraceError, type Disk } from '../base/index.ts'
import type { Checkpointer } from './checkpointer.ts'
import { neverCleaned } from './cleaner/cleaner-checkpoint.ts'
import type { DirectoryPartitions } from './directory-partitions.ts'
import { LeaderEpochs } from './epochs/leader-epochs.ts'
import { diskError } from './files/disk-errors.ts'
import { partitionConfigName, partitionFolder } from './files/file-names.ts'
import { encodePartitionConfig, type PartitionConfig } from './files/partition-config.ts'
import type { PartitionFolders } from './files/partition-folders.ts'
import { replaceFile } from './files/small-file.ts'
import { checkSegmentBytes } from './log-directory-options.ts'
import type { PartitionContext } from './partition/partition-context.ts'
import type { PartitionSettings } from './partition/partition-settings.ts'
import { Partition } from './partition/partition.ts'
import { ProducerState } from './producers/producer-state.ts'
import { Segment } from './segment/segment.ts'
import type { UnrecoveredPartition } from './unrecovered-partition.ts'

/** The directory in which partitions change. */
export interface ChangedDirectory {
  readonly path: string
  readonly disk: Disk
  readonly context: PartitionContext
  readonly folders: PartitionFolders
  readonly partitions: DirectoryPartitions
  readonly checkpoints: Checkpointer
}

export class PartitionChanges {
  readonly #directory: ChangedDirectory

  constructor(directory: ChangedDirectory) {
    this.#directory = directory
  }

  /** See `LogDirectory.createPartition`. `epoch`: the present leader epoch. */
  async create(
    topic: string,
    index: number,
    config: PartitionConfig,
    settings: PartitionSettings,
    epoch: number,
  ): Promise<Partition> {
    const { context, folders, partitions } = this.#directory
    const name = partitionFolder(topic, index)
    checkSegmentBytes(settings.segmentBytes)
    if (partitions.has(name))
      throw new MillraceError('TOPIC_EXISTS', `The partition ${index} of '${topic}' exists already.`)
    const folder = await folders.make(name, config, made => new Segment(made, 0, context).create())
    const segment = new Segment(folder, 0, context)
    segment.startEmpty()
    const log = {
      segments: [segment],
      producers: new ProducerState(),
      logStartOffset: 0,
      snapshotOffset: 0,
      cleaner: neverCleaned,
    }
    const epochs = new LeaderEpochs([{ epoch, startOffset: 0 }])
    const partition = new Partition({ topic, index, folder, config, settings, epochs }, context, log)
    partitions.open.add(partition)
    return partition
  }

  /** See `LogDirectory.rewriteConfig`. */
  async rewriteConfig(partition: Partition | UnrecoveredPartition, config: PartitionConfig): Promise<void> {
    const { folder } = partition
    const { disk, partitions } = this.#directory
    try {
      await replaceFile(disk, folder, partitionConfigName, encodePartitionConfig(config))
      const { open, unconfigured } = partitions
      // It may have been recovered meanwhile.
      for (const each of [partition, open.get(partition.name)]) if (each) each.config = config
      unconfigured.delete(partition.name)
    } catch (error) {
      throw diskError(error, `writing ${folder}/${partitionConfigName}`)
    }
  }

  /** See `LogDirectory.deletePartition`. */
  async delete(topic: string, index: number): Promise<void> {
    const { path, disk, folders, partitions, checkpoints } = this.#directory
    const name = partitionFolder(topic, index)
    const partition = partitions.open.get(name)
    try {
      if (!partition && !(await partitions.queue.withdraw(name))) {
        await folders.removeUnfinished(name)
        return await checkpoints.forgetRemoved(name)
      }
      partitions.open.delete(name)
      checkpoints.removing(name)
      await partition?.abandon(new MillraceError('CLOSED', `${name} was deleted.`))
      const aside = await folders.moveAside(name)
      await checkpoints.forgetRemoved(name)
      await disk.remove(aside)
    } catch (error) {
      throw diskError(error, `removing ${path}/${name}`)
    }
  }
}
