/**
 * Opens the partitions of a data directory, one at a time: as a clean stop has left them, or, where anything
 * has touched their files since, by recovery.
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
  /** Its configuration could be read. */
  readonly isConfigured: boolean
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
    return { partition, report, isConfigured: true }
  }

  async recover(name: string): Promise<OpenedPartition> {
    const { topic, index } = parsePartitionFolder(name)!
    const folder = `${this.#path}/${name}`
    const { config, isKnown: isConfigured } = await readPartitionConfig(this.#context.disk, folder)
    const { recoveryPoints, logStarts } = this.#left
    const { log, report } = await recoverPartition(this.#context, {
      topic,
      index,
      folder,
      recoveryPoint: recoveryPoints.state === 'damaged' ? undefined : (recoveryPoints.offsets.get(name) ?? 0),
      logStartOffset: logStarts.offsets.get(name),
      startIsProved: logStarts.state === 'good',
      repair: false,
    })
    const keepAll = { retentionBytes: -1, retentionMs: -1 }
    const settings = isConfigured ? this.#settings : { ...this.#settings, ...keepAll }
    const epochs = await this.#epochsOf(folder, log, undefined)
    const about = { topic, index, folder, config, settings, epochs }
    return { partition: new Partition(about, this.#context, log, report.damage), report, isConfigured }
  }

  #epochsOf(
    folder: string,
    { segments, logStartOffset }: RecoveredLog,
    known: readonly EpochStart[] | undefined,
  ): Promise<LeaderEpochs> {
    return this.#epoch.epochsOf(this.#context, { folder, segments, logStartOffset, known })
  }
}
