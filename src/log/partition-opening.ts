/**
 * Opens the partitions of a data directory, one at a time: as a clean stop has left them, or, where anything
 * has touched their files since, by recovery. Recovery has two steps: what the folder says of the partition
 * is read at once, its log when its turn comes.
 */
import type { DirectoryEpoch } from './epochs/directory-epoch.ts'
import type { EpochStart, LeaderEpochs } from './epochs/leader-epochs.ts'
import { parsePartitionFolder } from './files/file-names.ts'
import { readPartitionConfig } from './files/partition-config.ts'
import type { PartitionContext } from './partition/partition-context.ts'
import type { PartitionSettings } from './partition/partition-settings.ts'
import { Partition } from './partition/partition.ts'
import type { Checkpoint } from './recovery/checkpoint.ts'
import { restorePartition, type StoppedFiles } from './recovery/clean-stop.ts'
import { recoverPartition, type PartitionRecovery, type RecoveredLog } from './recovery/recovery.ts'
import type { FoundPartition } from './unrecovered-partition.ts'

/** What the last process has left. */
export interface LeftByLastProcess {
  /** By the names of partitions; empty unless it stopped cleanly. */
  readonly stop: ReadonlyMap<string, StoppedFiles>
  readonly recoveryPoints: Checkpoint
  readonly logStarts: Checkpoint
}

export interface OpenedPartition {
  readonly partition: Partition
  readonly report: PartitionRecovery
}

export class PartitionOpening {
  readonly #path: string
  readonly #context: PartitionContext
  readonly #settings: PartitionSettings
  readonly #epoch: DirectoryEpoch
  readonly #left: LeftByLastProcess

  /** `settings`: of each partition, until it is configured. */
  constructor(
    path: string,
    context: PartitionContext,
    settings: PartitionSettings,
    epoch: DirectoryEpoch,
    left: LeftByLastProcess,
  ) {
    this.#path = path
    this.#context = context
    this.#settings = settings
    this.#epoch = epoch
    this.#left = left
  }

  /** Opens a partition as its last process left it; undefined: its files have changed since. */
  async restore(name: string): Promise<OpenedPartition | undefined> {
    const folder = `${this.#path}/${name}`
    const stopped = this.#left.stop.get(name)
    const log = stopped && (await restorePartition(this.#context, folder, stopped))
    if (!log) return undefined
    const { topic, index } = parsePartitionFolder(name)!
    const epochs = await this.#epochsOf(folder, log, stopped.epochs)
    const about = { topic, index, folder, config: stopped.config, settings: this.#settings, epochs }
    const partition = new Partition(about, this.#context, log)
    const { logStartOffset, logEndOffset } = partition
    const report = { topic, index, logStartOffset, logEndOffset, cut: undefined, damage: undefined }
    return { partition, report }
  }

  /**
   * Whether the log may be used before every partition is recovered. Its checkpoints are then written again
   * with what they say now of the others: as long as that is proved, it is proved again.
   */
  get canWait(): boolean {
    const { recoveryPoints, logStarts } = this.#left
    return recoveryPoints.state !== 'damaged' && ['good', 'missing'].includes(logStarts.state)
  }

  /** What is known of a partition before its recovery. */
  async find(name: string): Promise<FoundPartition> {
    const folder = `${this.#path}/${name}`
    const { config, isKnown: isConfigured } = await readPartitionConfig(this.#context.disk, folder)
    const keepAll = { retentionBytes: -1, retentionMs: -1 }
    return {
      name,
      folder,
      config,
      isConfigured,
      settings: isConfigured ? this.#settings : { ...this.#settings, ...keepAll },
      recoveryPoint: this.#left.recoveryPoints.offsets.get(name),
      logStartOffset: this.#left.logStarts.offsets.get(name),
    }
  }

  /** `pause`: called between bounded pieces of work; what it throws ends the recovery. */
  async recover(
    { name, folder, config, settings, recoveryPoint = 0, logStartOffset }: FoundPartition,
    pause?: () => Promise<void>,
  ): Promise<OpenedPartition> {
    const { topic, index } = parsePartitionFolder(name)!
    // The segments that are made again are indexed as those that are written.
    const context = { ...this.#context, indexIntervalBytes: settings.indexIntervalBytes }
    const { log, report } = await recoverPartition(context, {
      topic,
      index,
      folder,
      recoveryPoint: this.#left.recoveryPoints.state === 'damaged' ? undefined : recoveryPoint,
      logStartOffset,
      startIsProved: this.#left.logStarts.state === 'good',
      repair: false,
      pause,
    })
    const epochs = await this.#epochsOf(folder, log, undefined)
    const about = { topic, index, folder, config, settings, epochs }
    return { partition: new Partition(about, this.#context, log, report.damage), report }
  }

  #epochsOf(
    folder: string,
    { segments, logStartOffset }: RecoveredLog,
    known: readonly EpochStart[] | undefined,
  ): Promise<LeaderEpochs> {
    return this.#epoch.epochsOf(this.#context, { folder, segments, logStartOffset, known })
  }
}
