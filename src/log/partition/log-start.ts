/**
 * The start of a partition's log. Whole segments are dropped there, oldest first. The new start shows at
 * once; the files are removed after it is durable.
 */
import type { PartitionSegments } from './partition-segments.ts'
import type { SettingsSource } from './partition-settings.ts'
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
  readonly #source: SettingsSource
  #offset: number

  constructor(segments: PartitionSegments, offset: number, source: SettingsSource, context: LogStartContext) {
    this.#segments = segments
    this.#offset = offset
    this.#source = source
    this.#context = context
  }

  /** The first offset that can be read. */
  get offset(): number {
    return this.#offset
  }

  /** Drops the segments wholly below `offset`. Resolves when they are gone. */
  dropBefore(offset: number): Promise<void> {
    return this.#drop(segmentsBelow(this.#segments.all, offset))
  }

  /** Drops the segments that retention does not keep, as far as they lie below `limitOffset`. */
  retain(limitOffset: number): Promise<void> {
    const { delete: deletes, retentionBytes } = this.#source.settings
    if (!deletes) return Promise.resolve()
    return this.#drop(excessSegments(this.#segments.all, retentionBytes, limitOffset))
  }

  async #drop(count: number): Promise<void> {
    if (count === 0) return this.#segments.idle()
    const dropped = this.#segments.take(count)
    this.#offset = Math.max(this.#offset, this.#segments.all[0]!.baseOffset)
    this.#context.moved()
    await this.#segments.remove(dropped, () => this.#context.saveLogStarts())
  }
}
