/**
 * The start of a partition's log. Whole segments are dropped there, oldest first. The new start shows at
 * once; the files are removed after it is durable.
 */
import type { PartitionSegments } from './partition-segments.ts'
import { excessSegments, segmentsBelow } from './retention.ts'

export interface LogStartContext {
  /** Makes the log start offsets of all partitions durable. */
  saveLogStarts(): Promise<void>
  /** The start has moved. */
  moved(): void
}

export class LogStart {
  readonly #segments: PartitionSegments
  readonly #context: LogStartContext
  #offset: number
  #retentionBytes: number

  /** `retentionBytes`: -1 keeps all. */
  constructor(segments: PartitionSegments, offset: number, retentionBytes: number, context: LogStartContext) {
    this.#segments = segments
    this.#offset = offset
    this.#retentionBytes = retentionBytes
    this.#context = context
  }

  /** The first offset that can be read. */
  get offset(): number {
    return this.#offset
  }

  /** From now on drops nothing for its size, whatever the configuration says. */
  keepAll(): void {
    this.#retentionBytes = -1
  }

  /** Drops the segments wholly below `offset`. Resolves when they are gone. */
  dropBefore(offset: number): Promise<void> {
    return this.#drop(segmentsBelow(this.#segments.all, offset))
  }

  /** Drops the segments that retention does not keep, as far as they lie below `limitOffset`. */
  retain(limitOffset: number): Promise<void> {
    return this.#drop(excessSegments(this.#segments.all, this.#retentionBytes, limitOffset))
  }

  async #drop(count: number): Promise<void> {
    if (count === 0) return this.#segments.idle()
    const dropped = this.#segments.take(count)
    this.#offset = Math.max(this.#offset, this.#segments.all[0]!.baseOffset)
    this.#context.moved()
    await this.#segments.remove(dropped, () => this.#context.saveLogStarts())
  }
}
