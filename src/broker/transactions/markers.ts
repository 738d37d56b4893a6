/**
 * The markers that end one transaction in its partitions. All are appended in the call that makes them. One
 * that finds no room on the disk is tried again every {@link retryMs}, and at each call that waits for it.
 * That ends when it is durable, its partition is deleted, or the log closes.
 *
 * A caller waits for one attempt and never for room on the disk: it gets DISK_FULL, and may call again.
 */
import { isMillraceError, type Clock, type MillraceError, type Timer } from '../../base/index.ts'
import type { Marker, Partition } from '../../log/index.ts'

/** How long to wait before a marker that found no room is tried again. */
export const retryMs = 1000

export interface MarkersContext {
  readonly clock: Clock
  /** A partition that was deleted has ended every transaction. */
  isDeleted(partition: Partition): boolean
  /** No more retries by the timer. */
  isClosed(): boolean
}

export class Markers {
  /** The markers that are not durable yet. */
  readonly #open = new Map<Partition, OpenMarker>()
  readonly #producerId: number

  constructor(partitions: readonly Partition[], marker: Marker, context: MarkersContext) {
    this.#producerId = marker.producerId
    for (const partition of partitions) {
      const open = new OpenMarker(partition, marker, context, () => this.#open.delete(partition))
      this.#open.set(partition, open)
      open.settle().catch(() => undefined)
    }
  }

  /** Some are not durable yet. */
  get isOpen(): boolean {
    return this.#open.size > 0
  }

  /** The error of the last failed append of a marker; undefined while all are durable or in flight. */
  get refusal(): MillraceError | undefined {
    for (const { refusal } of this.#open.values()) if (refusal) return refusal
    return undefined
  }

  /** They are of this producer, and the one in this partition is not durable yet. */
  isOpenIn(partition: Partition, producerId: number): boolean {
    return this.#producerId === producerId && this.#open.has(partition)
  }

  /**
   * Resolves when all are durable.
   * @throws MillraceError DISK_FULL (retriable), PARTITION_POISONED, PARTITION_DAMAGED, CLOSED
   */
  async durable(): Promise<void> {
    if (this.#open.size > 0) await Promise.all(Array.from(this.#open.values(), marker => marker.settle()))
  }

  /**
   * Resolves when the marker in this partition is durable; undefined if it is already. Rejects as {@link
   * durable} does.
   */
  durableIn(partition: Partition): Promise<void> | undefined {
    return this.#open.get(partition)?.settle()
  }
}

class OpenMarker {
  readonly #partition: Partition
  readonly #marker: Marker
  readonly #context: MarkersContext
  readonly #onDone: () => void
  #attempt: Promise<void> | undefined
  #timer: Timer | undefined
  #refusal: MillraceError | undefined

  constructor(partition: Partition, marker: Marker, context: MarkersContext, onDone: () => void) {
    this.#partition = partition
    this.#marker = marker
    this.#context = context
    this.#onDone = onDone
  }

  /** Ends as the attempt in flight, or starts one. */
  settle(): Promise<void> {
    if (this.#attempt) return this.#attempt
    const attempt = this.#try()
    this.#attempt = attempt
    attempt.catch((error: unknown) => this.#failed(error))
    return attempt
  }

  async #try(): Promise<void> {
    this.#timer?.cancel()
    try {
      if (!this.#isOver) await this.#partition.appendMarker(this.#marker).durable
    } catch (error) {
      if (!this.#isOver) throw error
    }
    this.#refusal = undefined
    this.#onDone()
  }

  #failed(error: unknown): void {
    // Any other failure is final for the partition: later calls get it, too.
    if (!isMillraceError(error) || !error.retriable) return
    this.#refusal = error
    this.#attempt = undefined
    if (this.#context.isClosed()) return
    this.#timer = this.#context.clock.schedule(retryMs, () => {
      this.settle().catch(() => undefined)
    })
  }

  get refusal(): MillraceError | undefined {
    return this.#isOver ? undefined : this.#refusal
  }

  get #isOver(): boolean {
    return this.#context.isDeleted(this.#partition)
  }
}
