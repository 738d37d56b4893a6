/**
 * A data directory: partitions in folders, owned by one process.
 *
 * Order matters at both ends. Opening: lock, whose directory is it, **the clean marker is removed** (durably,
 * before anything else changes), every partition is recovered. Closing: partitions drain and sync,
 * checkpoints, **the clean marker is written last**, unlock. So a marker that is found speaks of an
 * undisturbed stop, and a kill at any point in between is an unclean one.
 */
import { fromUtf8, MillraceError, utf8, type Clock, type Disk, type DiskFile } from '../base/index.ts'
import { logStartsName, readCheckpoint, recoveryPointsName, type Checkpoint } from './recovery/checkpoint.ts'
import { Checkpointer } from './recovery/checkpointer.ts'
import { lockDirectory, type DirectoryLock } from './files/directory-lock.ts'
import { claimDirectory } from './files/directory-mark.ts'
import { checkPlace, diskError, systemCode } from './files/disk-errors.ts'
import {
  cleanMarkerName,
  deletedFolder,
  directoryMarkName,
  isLeftOver,
  newFolder,
  parsePartitionFolder,
  partitionConfigName,
  partitionFolder,
} from './files/file-names.ts'
import { OpenFiles } from './files/open-files.ts'
import { patientDisk } from './files/patient-disk.ts'
import { placedDisk } from './files/placed-disk.ts'
import { Partition, type PartitionContext } from './partition/partition.ts'
import { encodePartitionConfig, readPartitionConfig, type PartitionConfig } from './files/partition-config.ts'
import { ProducerState } from './producers/producer-state.ts'
import { recoverPartition, type PartitionRecovery } from './recovery/recovery.ts'
import { indexIntervalBytesDefault, Segment } from './segment/segment.ts'
import { readFile, replaceFile, removeIfThere, writeFile } from './files/small-file.ts'

export interface LogDirectoryOptions {
  readonly disk: Disk
  readonly clock: Clock
  /**
   * When something counts as safe: `sync` (default), on the disk; `os`, with the operating system, as Kafka
   * has it on one node.
   */
  readonly durability?: 'sync' | 'os'
  /** A segment is rolled before it grows beyond this. Default 1 GiB, which is Kafka's. */
  readonly segmentBytes?: number
  /** Bytes of log per index entry. Default 4096, which is Kafka's. */
  readonly indexIntervalBytes?: number
  /** Per partition: older segments beyond this are dropped. Default -1, which keeps everything. */
  readonly retentionBytes?: number
  /** How long something synced may go without a checkpoint. Default 5000 ms. */
  readonly checkpointIntervalMs?: number
  /** … and how many bytes. Default 64 MiB. */
  readonly checkpointBytes?: number
  /** Segment files open at a time. Default 256, or half of what the process may have open if that is less. */
  readonly maxOpenFiles?: number
  /** How long a silent producer is remembered. Default one day, which is Kafka's. */
  readonly producerIdExpirationMs?: number
  /** Opens without writing anything; works for a log directory of Apache Kafka's too. Default false. */
  readonly readOnly?: boolean
  /** Says which partitions are opened. Only together with `readOnly`: a writer answers for all. */
  readonly only?: (topic: string, index: number) => boolean
  /** A partition was poisoned: its disk failed. The process should say so and end. */
  readonly onFatal?: (error: MillraceError) => void
}

/** What was found when the directory was opened. */
export interface DirectoryRecovery {
  /** The last stop was a clean one. */
  readonly clean: boolean
  readonly partitions: readonly PartitionRecovery[]
}

type Config = Required<Omit<LogDirectoryOptions, 'onFatal' | 'only'>> & {
  readonly only: LogDirectoryOptions['only']
  readonly onFatal: ((error: MillraceError) => void) | undefined
}

/** Kafka's smallest segment; its largest is what an int32 position reaches. */
export const segmentBytesMin = 14
export const segmentBytesMax = 0x7fff_ffff
export const segmentBytesDefault: number = 1 << 30
const openFilesDefault = 256
/** The content of the clean marker: any other is not a clean stop's. */
const cleanMarker = '{"version":0}'
/** Partitions that are recovered, or closed, at a time. */
const concurrency = 4

export class LogDirectory {
  readonly path: string
  readonly #config: Config
  readonly #files: OpenFiles
  readonly #context: PartitionContext
  readonly #checkpoints: Checkpointer
  readonly #partitions = new Map<string, Partition>()
  /**
   * Folders that nobody wants any more: a creation failed after it had named them, or a deletion before it
   * had moved them.
   */
  readonly #unfinished = new Set<string>()
  /** Counts folders that are being made or removed, so that no two have one name. */
  #foldersMarked = 0
  #recovery: DirectoryRecovery = { clean: true, partitions: [] }
  #lock: DirectoryLock | undefined
  /** Held open, to notice a directory that is not the one that was opened. */
  #mark: DiskFile | undefined
  #closing: Promise<void> | undefined

  private constructor(path: string, config: Config) {
    this.path = path
    const patient = patientDisk(config.disk, config.clock, () => this.#files.spare())
    const disk = placedDisk(patient, () => this.#checkPlace())
    this.#config = { ...config, disk }
    this.#files = new OpenFiles(disk, config.maxOpenFiles)
    this.#checkpoints = new Checkpointer(path, this.#config, this.#partitions)
    this.#context = {
      disk,
      clock: config.clock,
      files: this.#files,
      durability: config.durability,
      segmentBytes: config.segmentBytes,
      retentionBytes: config.retentionBytes,
      indexIntervalBytes: config.indexIntervalBytes,
      producerIdExpirationMs: config.producerIdExpirationMs,
      readOnly: config.readOnly,
      wrote: bytes => this.#checkpoints.wrote(bytes),
      rolled: () => this.#checkpoints.soon(),
      saveLogStarts: () => this.#checkpoints.saveLogStarts(),
      fatal: error => config.onFatal?.(error),
    }
  }

  /**
   * Opens the directory, which is made where it is missing, and recovers every partition in it. A partition
   * that is damaged does not keep the others from being used: it refuses by itself, and {@link recovery} says
   * why.
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
   * The disk below, for others that keep files in this directory: it waits for a file descriptor where there
   * is none, and writes nothing to another directory that has taken the place of this one.
   */
  get disk(): Disk {
    return this.#config.disk
  }

  /** A segment's size where a partition does not say. */
  get segmentBytes(): number {
    return this.#config.segmentBytes
  }

  get recovery(): DirectoryRecovery {
    return this.#recovery
  }

  partitions(): Iterable<Partition> {
    return this.#partitions.values()
  }

  partition(topic: string, index: number): Partition | undefined {
    return this.#partitions.get(`${topic}-${index}`)
  }

  /**
   * The largest producer id that any partition has ever seen; -1: none. No new producer may get it, or a
   * smaller one.
   */
  get largestProducerId(): number {
    let largest = -1
    for (const partition of this.#partitions.values())
      largest = Math.max(largest, partition.largestProducerId)
    return largest
  }

  /**
   * Makes an empty partition. Durable when this resolves.
   * @throws MillraceError INVALID_ARGUMENT, TOPIC_EXISTS, DISK_FULL, DISK_FAILED, CLOSED
   */
  async createPartition(topic: string, index: number, config: PartitionConfig = {}): Promise<Partition> {
    this.#checkWritable()
    const name = partitionFolder(topic, index)
    checkSegmentBytes(config.segmentBytes ?? this.#config.segmentBytes)
    if (this.#partitions.has(name))
      throw new MillraceError('TOPIC_EXISTS', `There is a partition ${index} of '${topic}' already.`)
    const { disk } = this.#config
    const folder = `${this.path}/${name}`
    const aside = `${this.path}/${newFolder(name, (this.#foldersMarked += 1))}`
    try {
      await disk.makeDirectory(aside)
      await writeFile(disk, `${aside}/${partitionConfigName}`, encodePartitionConfig(config))
      await new Segment(aside, 0, this.#context).create()
      await disk.syncDirectory(aside)
      if (this.#unfinished.has(name)) await removeIfThere(disk, folder)
      this.#unfinished.add(name)
      await disk.rename(aside, folder)
      await disk.syncDirectory(this.path)
      this.#unfinished.delete(name)
    } catch (error) {
      // What cannot be removed now is removed at the next start.
      await removeIfThere(disk, aside).catch(() => undefined)
      throw diskError(error, `making ${folder}`)
    }
    const segment = new Segment(folder, 0, this.#context)
    segment.startIndexes()
    const log = { segments: [segment], producers: new ProducerState(), logStartOffset: 0 }
    const partition = new Partition(topic, index, folder, config, this.#context, log)
    this.#partitions.set(name, partition)
    return partition
  }

  /**
   * Writes down what a partition should have been created with: its file is damaged, or an older version
   * wrote less into it. The partition works by it from the next start on. Durable when this resolves.
   * @throws MillraceError DISK_FULL, DISK_FAILED, CLOSED
   */
  async rewriteConfig({ folder }: Partition, config: PartitionConfig): Promise<void> {
    this.#checkWritable()
    try {
      await replaceFile(this.#config.disk, folder, partitionConfigName, encodePartitionConfig(config))
    } catch (error) {
      throw diskError(error, `writing ${folder}/${partitionConfigName}`)
    }
  }

  /**
   * Removes a partition and its files. Fine when it is not there.
   * @throws MillraceError DISK_FAILED, CLOSED
   */
  async deletePartition(topic: string, index: number): Promise<void> {
    this.#checkWritable()
    const name = partitionFolder(topic, index)
    const partition = this.#partitions.get(name)
    if (!partition) return this.#removeUnfinished(name)
    const { disk } = this.#config
    const aside = `${this.path}/${deletedFolder(name, (this.#foldersMarked += 1))}`
    this.#partitions.delete(name)
    try {
      await partition.abandon(new MillraceError('CLOSED', `${name} was deleted.`))
      this.#unfinished.add(name)
      await disk.rename(partition.folder, aside)
      // Also what recovery has open of a damaged partition, and what late readers have opened.
      await this.#files.dropFolder(partition.folder)
      await disk.syncDirectory(this.path)
      this.#unfinished.delete(name)
      // A partition of the same name starts over: what the checkpoints say of this one must not be held
      // against it.
      await this.#checkpoints.saveRecoveryPoints()
      await this.#checkpoints.saveLogStarts()
      await disk.remove(aside)
    } catch (error) {
      throw diskError(error, `removing ${partition.folder}`)
    }
  }

  /** What a creation or deletion that failed has left under the name of a partition. */
  async #removeUnfinished(name: string): Promise<void> {
    if (!this.#unfinished.has(name)) return
    const { disk } = this.#config
    try {
      await removeIfThere(disk, `${this.path}/${name}`)
      await disk.syncDirectory(this.path)
      this.#unfinished.delete(name)
    } catch (error) {
      throw diskError(error, `removing ${this.path}/${name}`)
    }
  }

  /**
   * Makes everything appended so far to these partitions safe, in parallel: what a transaction wrote, before
   * it commits. With `durability: 'os'` that is: written. DISK_FULL, PARTITION_POISONED, PARTITION_DAMAGED.
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
    const { disk, readOnly } = this.#config
    if (!readOnly) {
      await this.#makeDirectory()
      this.#lock = await lockDirectory(disk, this.#config.clock, this.path)
    }
    await claimDirectory(disk, this.path, readOnly)
    if (!readOnly) this.#mark = await disk.open(`${this.path}/${directoryMarkName}`, 'write')
    const marker = await readFile(disk, `${this.path}/${cleanMarkerName}`)
    if (marker && !readOnly) await removeIfThere(disk, `${this.path}/${cleanMarkerName}`)
    const clean = marker !== undefined && utf8(marker) === cleanMarker
    // What a killed process renamed last can still be lost with the power. Files are removed because of what
    // the checkpoints say, so their names come first.
    if (!readOnly) await disk.syncDirectory(this.path)
    const recoveryPoints = await readCheckpoint(disk, this.path, recoveryPointsName)
    const logStarts = await readCheckpoint(disk, this.path, logStartsName)
    const names = await this.#partitionFolders()
    const partitions: PartitionRecovery[] = []
    await inParallel(names, async name => {
      partitions.push(await this.#recover(name, recoveryPoints, logStarts))
    })
    partitions.sort((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.index - b.index))
    this.#recovery = { clean, partitions }
    if (readOnly) return
    // What was recovered is synced; and what is said of partitions that are gone is forgotten, before one of
    // that name is made again.
    await this.#checkpoints.saveRecoveryPoints()
    await this.#checkpoints.saveLogStarts()
  }

  async #makeDirectory(): Promise<void> {
    const { disk } = this.#config
    if (await disk.exists(this.path)) return
    await disk.makeDirectory(this.path)
  }

  /** Folders of partitions; what was left behind by an interrupted creation or deletion is removed. */
  async #partitionFolders(): Promise<string[]> {
    const { disk, readOnly, only } = this.#config
    const folders: string[] = []
    for (const name of await disk.list(this.path)) {
      if (isLeftOver(name) && !readOnly) await removeIfThere(disk, `${this.path}/${name}`)
      const partition = parsePartitionFolder(name)
      if (!partition || only?.(partition.topic, partition.index) === false) continue
      try {
        await disk.list(`${this.path}/${name}`)
        folders.push(name)
      } catch (error) {
        const code = systemCode(error)
        // A file that is called like a partition.
        if (code !== 'ENOTDIR' && code !== 'ENOENT') throw error
      }
    }
    return folders
  }

  async #recover(
    name: string,
    recoveryPoints: Checkpoint,
    logStarts: Checkpoint,
  ): Promise<PartitionRecovery> {
    const { topic, index } = parsePartitionFolder(name)!
    const folder = `${this.path}/${name}`
    const { config } = await readPartitionConfig(this.#config.disk, folder)
    const { log, report } = await recoverPartition(this.#context, {
      topic,
      index,
      folder,
      recoveryPoint: recoveryPoints.state === 'damaged' ? undefined : (recoveryPoints.offsets.get(name) ?? 0),
      logStartOffset: logStarts.offsets.get(name),
      startIsProved: logStarts.state === 'good',
      repair: false,
    })
    this.#partitions.set(name, new Partition(topic, index, folder, config, this.#context, log, report.damage))
    return report
  }

  async #close(): Promise<void> {
    let clean = true
    const failures: unknown[] = []
    await this.#checkpoints.stop()
    await inParallel([...this.#partitions.values()], async partition => {
      try {
        if (!(await partition.close())) clean = false
      } catch (error) {
        failures.push(error)
      }
    })
    try {
      if (!this.#config.readOnly) {
        await this.#checkpoints.saveRecoveryPoints()
        await this.#checkpoints.saveLogStarts()
        if (clean && failures.length === 0)
          await replaceFile(this.#config.disk, this.path, cleanMarkerName, fromUtf8(cleanMarker))
      }
    } catch (error) {
      failures.push(diskError(error, `closing ${this.path}`))
    }
    await this.#release()
    if (failures.length > 0) throw failures[0]
  }

  async #release(): Promise<void> {
    await this.#files.close()
    const lock = this.#lock
    this.#lock = undefined
    const mark = this.#mark
    this.#mark = undefined
    await mark?.close()
    await lock?.release()
  }

  #checkWritable(): void {
    if (this.#closing) throw new MillraceError('CLOSED', `The log in ${this.path} is closed.`)
    if (this.#config.readOnly)
      throw new MillraceError('INVALID_ARGUMENT', `${this.path} was opened to be read only.`)
    this.#checkPlace()
  }

  #checkPlace(): void {
    if (this.#mark) checkPlace(this.#mark, this.path)
  }
}

/** `action` on every item, {@link concurrency} at a time. */
async function inParallel<T>(items: readonly T[], action: (item: T) => Promise<void>): Promise<void> {
  const left = items.values()
  const worker = async (): Promise<void> => {
    for (const item of left) await action(item)
  }
  const results = await Promise.allSettled(Array.from({ length: concurrency }, worker))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

function checkSegmentBytes(segmentBytes: number): void {
  if (Number.isInteger(segmentBytes) && segmentBytes >= segmentBytesMin && segmentBytes <= segmentBytesMax)
    return
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `segmentBytes is a whole number from ${segmentBytesMin} to ${segmentBytesMax}, not ${segmentBytes}.`,
  )
}

function withDefaults(options: LogDirectoryOptions, processFilesMax = Infinity): Config {
  const config: Config = {
    disk: options.disk,
    clock: options.clock,
    durability: options.durability ?? 'sync',
    segmentBytes: options.segmentBytes ?? segmentBytesDefault,
    indexIntervalBytes: options.indexIntervalBytes ?? indexIntervalBytesDefault,
    retentionBytes: options.retentionBytes ?? -1,
    checkpointIntervalMs: options.checkpointIntervalMs ?? 5000,
    checkpointBytes: options.checkpointBytes ?? 64 << 20,
    maxOpenFiles: options.maxOpenFiles ?? Math.min(openFilesDefault, Math.floor(processFilesMax / 2)),
    producerIdExpirationMs: options.producerIdExpirationMs ?? 24 * 60 * 60 * 1000,
    readOnly: options.readOnly ?? false,
    only: options.readOnly ? options.only : undefined,
    onFatal: options.onFatal,
  }
  checkSegmentBytes(config.segmentBytes)
  return config
}
