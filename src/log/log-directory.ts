/**
 * A data directory: partitions in folders, owned by one process.
 *
 * Order matters at both ends. Opening: the directory is taken (files/directory-ownership.ts), then partitions
 * are recovered: those that come first now, others when the opener has called {@link
 * LogDirectory.recoverOthers}. Closing: partitions drain and sync, checkpoints, the marker of a clean stop,
 * release. A stop is clean only if every partition was recovered.
 */
import { assert, inParallel, MillraceError, type Disk, type DiskSpace } from '../base/index.ts'
import { DirectoryEpoch } from './epochs/directory-epoch.ts'
import { DirectoryOwnership } from './files/directory-ownership.ts'
import { diskError } from './files/disk-errors.ts'
import { cleanStopName, logStartsName, recoveryPointsName } from './files/file-names.ts'
import { OpenFiles } from './files/open-files.ts'
import type { PartitionConfig } from './files/partition-config.ts'
import { PartitionFolders } from './files/partition-folders.ts'
import { patientDisk } from './files/patient-disk.ts'
import { placedDisk } from './files/placed-disk.ts'
import { sameFilesDisk } from './files/same-files-disk.ts'
import { readFile, replaceFile } from './files/small-file.ts'
import { withDefaults, type LogDirectoryConfig, type LogDirectoryOptions } from './log-directory-options.ts'
import type { PartitionContext } from './partition/partition-context.ts'
import type { PartitionSettings } from './partition/partition-settings.ts'
import type { Partition } from './partition/partition.ts'
import {
  checksumOf,
  encodeCleanStop,
  parseCleanStop,
  versionsOf,
  type CleanStop,
  type StoppedFiles,
} from './recovery/clean-stop.ts'
import { readCheckpoint } from './recovery/checkpoint.ts'
import { Checkpointer } from './checkpointer.ts'
import { concurrency, DirectoryPartitions } from './directory-partitions.ts'
import { Housekeeping } from './housekeeping.ts'
import { PartitionChanges } from './partition-changes.ts'
import { PartitionOpening } from './partition-opening.ts'
import type { MakeReady } from './recovery-queue.ts'
import type { PartitionRecovery } from './recovery/recovery.ts'
import { LogCleaner } from './log-cleaner.ts'
import { LogRetention } from './log-retention.ts'
import { LoadedIndexes } from './segment/loaded-indexes.ts'
import type { UnrecoveredPartition } from './unrecovered-partition.ts'

/** What recovery found when the directory was opened. */
export interface DirectoryRecovery {
  /** The last stop was a clean one. */
  readonly clean: boolean
  /** Those that are open; each is added when it opens. */
  readonly partitions: readonly PartitionRecovery[]
}

export class LogDirectory {
  readonly path: string
  readonly #config: LogDirectoryConfig
  readonly #files: OpenFiles
  readonly #indexes: LoadedIndexes
  readonly #folders: PartitionFolders
  readonly #ownership: DirectoryOwnership
  readonly #context: PartitionContext
  readonly #checkpoints: Checkpointer
  readonly #housekeeping: Housekeeping
  readonly #partitions: DirectoryPartitions
  readonly #changes: PartitionChanges
  #epoch: DirectoryEpoch | undefined
  #wasClean = true
  #closing: Promise<void> | undefined

  private constructor(path: string, config: LogDirectoryConfig) {
    this.path = path
    this.#ownership = new DirectoryOwnership(path, config.clock)
    const patient = patientDisk(config.disk, config.clock, () => this.#files.spare())
    const disk = placedDisk(patient, () => this.#ownership.checkPlace())
    this.#config = { ...config, disk }
    this.#files = new OpenFiles(config.readOnly ? sameFilesDisk(disk) : disk, config.maxOpenFiles)
    this.#indexes = new LoadedIndexes(config.indexBytesMax)
    this.#folders = new PartitionFolders(path, disk, this.#files)
    this.#partitions = new DirectoryPartitions({
      clock: config.clock,
      // Its records are synced: the next start need not read them again.
      recovered: isLast => (isLast ? this.#checkpoints.soon() : this.#checkpoints.wrote(0)),
      failed: error => config.onFatal?.(error),
    })
    this.#checkpoints = new Checkpointer(path, this.#config, this.#partitions)
    this.#housekeeping = new Housekeeping(config.clock, error => this.#backgroundFailed(error))
    this.#context = {
      disk,
      clock: config.clock,
      files: this.#files,
      indexes: this.#indexes,
      durability: config.durability,
      indexIntervalBytes: config.settings.indexIntervalBytes,
      producerIdExpirationMs: config.producerIdExpirationMs,
      pendingBytesMax: config.pendingBytesMax,
      cleaner: config.cleaner,
      readOnly: config.readOnly,
      wrote: bytes => this.#checkpoints.wrote(bytes),
      rolled: () => this.#checkpoints.soon(),
      saveLogStarts: () => this.#checkpoints.saveLogStarts(),
      fatal: error => config.onFatal?.(error),
    }
    this.#changes = new PartitionChanges({
      path,
      disk,
      context: this.#context,
      folders: this.#folders,
      partitions: this.#partitions,
      checkpoints: this.#checkpoints,
    })
  }

  /**
   * Opens the directory, creates a missing one, and recovers the partitions in it: all, or those that the
   * options name as the first ones. A damaged partition refuses its calls, and the others work; {@link
   * recovery} has the reason.
   * @throws MillraceError DATA_DIR_IN_USE, DATA_DIR_FOREIGN, DATA_DIR_UNREADABLE, DISK_FULL, DISK_FAILED,
   *   LIMIT_EXCEEDED, INVALID_ARGUMENT
   */
  static async open(path: string, options: LogDirectoryOptions): Promise<LogDirectory> {
    const directory = new LogDirectory(path, withDefaults(options, await options.disk.openFilesMax()))
    try {
      await directory.#open()
    } catch (error) {
      await directory.#release()
      throw diskError(error, `opening ${path}`)
    }
    return directory
  }

  /**
   * The disk for other files in this directory: it waits for a free file descriptor, and writes nothing to
   * another directory that has taken the place of this one.
   */
  get disk(): Disk {
    return this.#config.disk
  }

  /** The settings of a partition until it is configured. */
  get settings(): PartitionSettings {
    return this.#config.settings
  }

  /** Bytes of loaded indexes, beside those of segments that are written: at the most `indexBytesMax`. */
  get indexBytes(): number {
    return this.#indexes.bytes
  }

  get recovery(): DirectoryRecovery {
    return { clean: this.#wasClean, partitions: this.#partitions.reports }
  }

  /** The open partitions. */
  partitions(): Iterable<Partition> {
    return this.#partitions.open.values()
  }

  /** The partitions that are not recovered yet. */
  unrecovered(): Iterable<UnrecoveredPartition> {
    return this.#partitions.queue.values()
  }

  /** A partition that is not recovered yet. */
  unrecoveredPartition(topic: string, index: number): UnrecoveredPartition | undefined {
    return this.#partitions.queue.size === 0 ? undefined : this.#partitions.queue.get(`${topic}-${index}`)
  }

  /**
   * Begins to recover the partitions that were not among the first, a few at a time; those that somebody
   * waits for come first. `makeReady` is called with each before its users find it, unless it is damaged.
   * What goes wrong is reported to the callers that wait for the partition, and a failing disk to `onFatal`.
   */
  recoverOthers(makeReady: MakeReady): void {
    this.#partitions.queue.start(makeReady)
  }

  /** Recovers no more: calls that wait are refused, CLOSED. The next start recovers what is left. */
  async stopRecovery(): Promise<void> {
    await this.#partitions.queue.stop()
  }

  /** An open partition. */
  partition(topic: string, index: number): Partition | undefined {
    return this.#partitions.open.at(topic, index)
  }

  /** Bytes of the records of a partition, also of one that refuses; undefined: it is not there. */
  async partitionBytes(topic: string, index: number): Promise<number | undefined> {
    const partition = this.partition(topic, index)
    if (partition && !partition.failure) return partition.sizeBytes
    const found = partition ?? this.unrecoveredPartition(topic, index)
    return found && this.#folders.recordBytes(found.folder)
  }

  /** How much room the disk has. Undefined where the system does not tell. */
  space(): Promise<DiskSpace | undefined> {
    return this.#config.disk.space(this.path)
  }

  /**
   * The largest producer id that any partition has ever seen; -1: none. No new producer may get it, or a
   * smaller one.
   */
  get largestProducerId(): number {
    let largest = -1
    for (const partition of this.#partitions.open.values())
      largest = Math.max(largest, partition.largestProducerId)
    return largest
  }

  /**
   * Makes an empty partition. Durable when this resolves.
   * @throws MillraceError INVALID_ARGUMENT, TOPIC_EXISTS, DISK_FULL, DISK_FAILED, CLOSED
   */
  async createPartition(
    topic: string,
    index: number,
    config: PartitionConfig = {},
    settings: PartitionSettings = this.settings,
  ): Promise<Partition> {
    this.#checkWritable()
    return this.#changes.create(topic, index, config, settings, this.#openedEpoch.current)
  }

  /**
   * Writes the configuration of a partition again: it has changed, its file is damaged, or an older version
   * wrote less into it. Durable when this resolves. The settings stay: see {@link Partition.configure}.
   * @throws MillraceError DISK_FULL, DISK_FAILED, CLOSED
   */
  async rewriteConfig(partition: Partition | UnrecoveredPartition, config: PartitionConfig): Promise<void> {
    this.#checkWritable()
    await this.#changes.rewriteConfig(partition, config)
  }

  /**
   * Removes a partition and its files, once its recovery has stopped. A missing one is fine.
   * @throws MillraceError DISK_FAILED, CLOSED
   */
  async deletePartition(topic: string, index: number): Promise<void> {
    this.#checkWritable()
    await this.#changes.delete(topic, index)
  }

  /**
   * Makes everything appended so far to these partitions safe, in parallel: the records of a transaction,
   * before it commits (partition/safety.ts). DISK_FULL, PARTITION_POISONED,
   * PARTITION_DAMAGED.
   */
  async syncAll(partitions: Iterable<Partition>): Promise<void> {
    await Promise.all(Array.from(partitions, partition => partition.settle()))
  }

  /**
   * Writes out and syncs everything, and leaves the directory cleanly closed. Fails when something appended
   * could not be made durable.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #open(): Promise<void> {
    const { disk, readOnly, only, first } = this.#config
    const { clean, checksum } = await (readOnly ? this.#ownership.look(disk) : this.#ownership.take(disk))
    const stop = readOnly ? new Map() : parseCleanStop(await readFile(disk, this.#stopPath), checksum)
    if (!readOnly) await this.#folders.removeLeftOvers()
    const recoveryPoints = await readCheckpoint(disk, this.path, recoveryPointsName)
    const logStarts = await readCheckpoint(disk, this.path, logStartsName)
    const names = await this.#folders.list(only)
    this.#epoch = await DirectoryEpoch.open(this.#context, this.path, !clean && names.length > 0)
    const left = { stop, recoveryPoints, logStarts }
    const opening = new PartitionOpening(this.path, this.#context, this.settings, this.#epoch, left)
    this.#wasClean = clean
    // After a clean stop little is read, and clients' transactions continue if all partitions have them.
    const canWait = !clean && !readOnly && opening.canWait
    await this.#partitions.openAll(names, opening, {
      isFolder: name => this.#folders.isFolder(name),
      mayWait: topic => canWait && !first(topic),
    })
    if (readOnly) return
    // Recovered records are synced. Checkpoints of removed partitions are forgotten before one of that name
    // is made again.
    await this.#checkpoints.saveRecoveryPoints()
    await this.#checkpoints.saveLogStarts()
    const { clock, retentionCheckIntervalMs } = this.#config
    const retention = new LogRetention(clock, this.#partitions.open, error => this.#backgroundFailed(error))
    this.#housekeeping.start({
      intervalMs: retentionCheckIntervalMs,
      run: isStopped => retention.run(isStopped),
    })
    const cleaner = new LogCleaner(clock, this.#partitions.open)
    this.#housekeeping.start({
      intervalMs: this.#config.cleaner.backoffMs,
      run: isStopped => cleaner.run(isStopped),
    })
  }

  /** A full disk can wait, and a poisoned partition was reported. */
  #backgroundFailed(error: unknown): void {
    const failed = diskError(error, `keeping ${this.path} in order`)
    if (failed.retriable || ['PARTITION_POISONED', 'PARTITION_DAMAGED', 'CLOSED'].includes(failed.code))
      return
    this.#config.onFatal?.(failed)
  }

  get #openedEpoch(): DirectoryEpoch {
    assert(this.#epoch, 'the leader epoch is known once the directory is open')
    return this.#epoch
  }

  async #close(): Promise<void> {
    let clean = await this.#partitions.endRecovery()
    const stop = new Map<string, StoppedFiles>()
    const failures: unknown[] = []
    await this.#housekeeping.stop()
    await this.#checkpoints.stop()
    await inParallel([...this.#partitions.open.values()], concurrency, async partition => {
      try {
        if (!(await partition.close())) clean = false
        else await this.#remember(partition, stop)
      } catch (error) {
        failures.push(error)
      }
    })
    try {
      if (!this.#config.readOnly) {
        await this.#checkpoints.saveRecoveryPoints()
        await this.#checkpoints.saveLogStarts()
        if (clean && failures.length === 0) await this.#markClean(stop)
      }
    } catch (error) {
      failures.push(diskError(error, `closing ${this.path}`))
    }
    await this.#release()
    if (failures.length > 0) throw failures[0]
  }

  /** Adds what the next start needs of a closed partition; one that is left out is recovered. */
  async #remember({ name, folder, stopped }: Partition, stop: Map<string, StoppedFiles>): Promise<void> {
    if (!stopped || this.#config.readOnly || this.#partitions.unconfigured.has(name)) return
    const versions = await versionsOf(this.#config.disk, folder, stopped.segments).catch(() => undefined)
    if (versions) stop.set(name, { ...stopped, versions })
  }

  async #markClean(stop: CleanStop): Promise<void> {
    const { disk } = this.#config
    const bytes = encodeCleanStop(stop)
    await replaceFile(disk, this.path, cleanStopName, bytes)
    await this.#ownership.markClean(disk, checksumOf(bytes))
  }

  get #stopPath(): string {
    return `${this.path}/${cleanStopName}`
  }

  async #release(): Promise<void> {
    await this.#files.close()
    await this.#ownership.release()
  }

  #checkWritable(): void {
    if (this.#closing) throw new MillraceError('CLOSED', `The log in ${this.path} is closed.`)
    if (this.#config.readOnly)
      throw new MillraceError('INVALID_ARGUMENT', `${this.path} was opened to be read only.`)
    this.#ownership.checkPlace()
  }
}
