/**
 * Keeps the checkpoints of a data directory current while the log runs: at each roll, every few seconds, and
 * every so many bytes, if anything was written. A checkpoint has only offsets that are synced already. One is
 * written at a time: a call that comes meanwhile leads to another one after it.
 *
 * With durability `os` no sync is made for a checkpoint: it is the operating system that decides when bytes
 * are on the disk, as with Apache Kafka. Offsets then move when a segment ends, and the next start after a
 * crash reads the active segments again.
 */
import { SerialQueue, type Clock, type Disk, type MillraceError, type Timer } from '../base/index.ts'
import { writeCheckpoint } from './recovery/checkpoint.ts'
import { logStartsName, recoveryPointsName } from './files/file-names.ts'
import { diskError } from './files/disk-errors.ts'
import type { Partition } from './partition/partition.ts'

export interface CheckpointerConfig {
  readonly disk: Disk
  readonly clock: Clock
  readonly durability: 'sync' | 'os'
  readonly checkpointIntervalMs: number
  readonly checkpointBytes: number
  readonly onFatal: ((error: MillraceError) => void) | undefined
}

export class Checkpointer {
  readonly #path: string
  readonly #config: CheckpointerConfig
  readonly #partitions: ReadonlyMap<string, Partition>
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
  /** The synced ends in the last checkpoint. */
  #saved: ReadonlyMap<Partition, number> = new Map()

  constructor(path: string, config: CheckpointerConfig, partitions: ReadonlyMap<string, Partition>) {
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
    return (this.#nextPoints ??= this.#pointWrites.run(async () => {
      this.#nextPoints = undefined
      const points = new Map([...this.#partitions.values()].map(each => [each, each.syncedOffset]))
      await this.#save(recoveryPointsName, points)
      this.#saved = points
    }))
  }

  /** Writes the start of each partition. */
  saveLogStarts(): Promise<void> {
    return (this.#nextStarts ??= this.#startWrites.run(() => {
      this.#nextStarts = undefined
      const starts = new Map([...this.#partitions.values()].map(each => [each, each.logStartOffset]))
      return this.#save(logStartsName, starts)
    }))
  }

  /** No more checkpoints by themselves. Resolves when the one in progress has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    await this.#running
  }

  async #syncAndSave(): Promise<void> {
    if (this.#config.durability === 'sync') {
      // Nobody waits for the sync of transactions in progress, but the checkpoint does.
      const syncs = [...this.#partitions.values()]
        .filter(({ failure, syncedOffset, logEndOffset }) => !failure && syncedOffset < logEndOffset)
        .map(partition => partition.sync())
      await this.#forAWhile(Promise.allSettled(syncs))
    } else if (!this.#hasMoved()) return
    await this.saveRecoveryPoints()
  }

  /** Whether a synced end differs from the one in the last checkpoint. */
  #hasMoved(): boolean {
    const partitions = [...this.#partitions.values()]
    return (
      partitions.length !== this.#saved.size ||
      partitions.some(partition => this.#saved.get(partition) !== partition.syncedOffset)
    )
  }

  /** A file whose sync does not return does not hold up other partitions: they are checkpointed. */
  async #forAWhile(work: Promise<unknown>): Promise<void> {
    const { promise: enough, resolve } = Promise.withResolvers<void>()
    const timer = this.#config.clock.schedule(this.#config.checkpointIntervalMs, resolve)
    await Promise.race([work, enough])
    timer.cancel()
  }

  async #save(name: string, offsets: ReadonlyMap<Partition, number>): Promise<void> {
    const lines = Array.from(offsets, ([{ topic, index }, offset]) => ({ topic, index, offset }))
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
