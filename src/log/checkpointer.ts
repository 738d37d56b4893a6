/**
 * Keeps the checkpoints of a data directory current while the log runs: at each roll, every few seconds, and
 * every so many bytes, if anything was written. A checkpoint has only offsets that are synced already. One is
 * written at a time: a call that comes meanwhile leads to another one after it.
 *
 * Of a partition that is not recovered yet the files say what they said at the start: the next recovery needs
 * it as much as this one.
 */
import { SerialQueue, type Clock, type Disk, type MillraceError, type Timer } from '../base/index.ts'
import type { DirectoryPartitions } from './directory-partitions.ts'
import { writeCheckpoint } from './recovery/checkpoint.ts'
import { logStartsName, recoveryPointsName } from './files/file-names.ts'
import { diskError } from './files/disk-errors.ts'

export interface CheckpointerConfig {
  readonly disk: Disk
  readonly clock: Clock
  readonly checkpointIntervalMs: number
  readonly checkpointBytes: number
  readonly onFatal: ((error: MillraceError) => void) | undefined
}

export class Checkpointer {
  readonly #path: string
  readonly #config: CheckpointerConfig
  readonly #partitions: DirectoryPartitions
  #timer: Timer | undefined
  #bytesWritten = 0
  #running: Promise<void> | undefined
  #again = false
  #stopped = false
  /** The writes of both files. */
  readonly #pointWrites = new SerialQueue()
  readonly #startWrites = new SerialQueue()
  /** Writes that have not begun: they will have all offsets of their time. */
  #nextPoints: Promise<void> | undefined
  #nextStarts: Promise<void> | undefined
  /** Partitions that were removed, of which the files may still have lines. */
  readonly #removed = new Set<string>()

  constructor(path: string, config: CheckpointerConfig, partitions: DirectoryPartitions) {
    this.#path = path
    this.#config = config
    this.#partitions = partitions
  }

  /** Bytes were written to a partition. */
  wrote(bytes: number): void {
    const { clock, checkpointBytes, checkpointIntervalMs } = this.#config
    this.#bytesWritten += bytes
    if (this.#bytesWritten >= checkpointBytes) this.soon()
    else this.#timer ??= clock.schedule(checkpointIntervalMs, () => this.soon())
  }

  /** Syncs written bytes and checkpoints them. Failures are reported, not thrown. */
  soon(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#bytesWritten = 0
    if (this.#stopped) return
    if (this.#running) {
      this.#again = true
      return
    }
    this.#running = this.#syncAndSave()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#running = undefined
        if (!this.#again) return
        this.#again = false
        this.soon()
      })
  }

  /** Writes the synced end of each partition. */
  saveRecoveryPoints(): Promise<void> {
    return (this.#nextPoints ??= this.#pointWrites.run(() => {
      this.#nextPoints = undefined
      return this.#save(recoveryPointsName, 'syncedOffset', 'recoveryPoint')
    }))
  }

  /** Writes the start of each partition. */
  saveLogStarts(): Promise<void> {
    return (this.#nextStarts ??= this.#startWrites.run(() => {
      this.#nextStarts = undefined
      return this.#save(logStartsName, 'logStartOffset', 'logStartOffset')
    }))
  }

  /** The files of a partition are about to go. */
  removing(name: string): void {
    this.#removed.add(name)
  }

  /** Forgets a partition that was removed: its offsets must not count for the next one of its name. */
  async forgetRemoved(name: string): Promise<void> {
    if (!this.#removed.has(name)) return
    await this.saveRecoveryPoints()
    await this.saveLogStarts()
    this.#removed.delete(name)
  }

  /** No more checkpoints by themselves. Resolves when the one in progress has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    await this.#running
  }

  async #syncAndSave(): Promise<void> {
    // Transactions in progress, and everything with durability 'os', wait for no sync; the checkpoint does.
    const syncs = [...this.#partitions.open.values()]
      .filter(({ failure, syncedOffset, logEndOffset }) => !failure && syncedOffset < logEndOffset)
      .map(partition => partition.sync())
    await this.#forAWhile(Promise.allSettled(syncs))
    await this.saveRecoveryPoints()
  }

  /** A file whose sync does not return does not hold up other partitions: they are checkpointed. */
  async #forAWhile(work: Promise<unknown>): Promise<void> {
    const { promise: enough, resolve } = Promise.withResolvers<void>()
    const timer = this.#config.clock.schedule(this.#config.checkpointIntervalMs, resolve)
    await Promise.race([work, enough])
    timer.cancel()
  }

  async #save(
    name: string,
    offset: 'syncedOffset' | 'logStartOffset',
    known: 'recoveryPoint' | 'logStartOffset',
  ): Promise<void> {
    const lines = Array.from(this.#partitions.open.values(), partition => ({
      topic: partition.topic,
      index: partition.index,
      offset: partition[offset],
    }))
    for (const { topic, index, [known]: before } of this.#partitions.queue.values())
      if (before !== undefined) lines.push({ topic, index, offset: before })
    await writeCheckpoint(this.#config.disk, this.#path, name, lines)
  }

  /**
   * Recovery points lag until the next time, which only costs time at the next start. A failing disk is an
   * error.
   */
  #failed(error: unknown): void {
    const failed = diskError(error, `writing a checkpoint to ${this.#path}`)
    if (!failed.retriable && failed.code !== 'PARTITION_POISONED') this.#config.onFatal?.(failed)
  }
}
