/**
 * Walks through segments for the cleaner, a portion of batches at a time, with a turn of the event loop after
 * each: appends, reads and timers of the process come first.
 */
import type { Clock } from '../../base/index.ts'
import type { RecordBatch } from '../../wire/index.ts'
import type { Segment, SegmentContext } from '../segment/segment.ts'
import { DamagedBatch } from '../segment/segment-read.ts'
import { PortionBuffer, readPortion } from './portions.ts'

/** Limits of the cleaner; tests take tiny ones. */
export interface CleanerLimits {
  /**
   * Bytes for the keys of one pass, 24 a key; a pass over more keys covers the first ones. One pass of a data
   * directory runs at a time. Default 128 MiB: Kafka's `log.cleaner.dedupe.buffer.size`.
   */
  readonly dedupeBufferBytes: number
  /** Bytes that are read, looked through and written in one turn of the event loop. Default 128 KiB. */
  readonly portionBytes: number
  /**
   * How long compaction rests once no partition needs it. Default 15,000 ms: Kafka's
   * `log.cleaner.backoff.ms`.
   */
  readonly backoffMs: number
}

export const cleanerLimitsDefault: CleanerLimits = {
  dedupeBufferBytes: 128 << 20,
  portionBytes: 128 << 10,
  backoffMs: 15_000,
}

export interface CleanerContext extends SegmentContext {
  readonly clock: Clock
  readonly cleaner: CleanerLimits
}

/** The partition is closed, deleted or has failed, or has lost segments of the pass: it ends where it is. */
export class CleaningStopped extends Error {
  constructor() {
    super('the partition was closed, or lost segments, while it was compacted')
  }
}

export class SegmentWalk {
  readonly #context: CleanerContext
  readonly #buffer: PortionBuffer
  readonly #isStopped: () => boolean

  constructor(context: CleanerContext, isStopped: () => boolean) {
    this.#context = context
    this.#buffer = new PortionBuffer(context.cleaner.portionBytes)
    this.#isStopped = isStopped
  }

  /**
   * The batches of a segment that is not appended to, to the offset where it ends. Each portion is valid
   * until the next one is asked for.
   * @throws DamagedBatch, CleaningStopped
   */
  async *portions(segment: Segment): AsyncGenerator<readonly RecordBatch[], void, undefined> {
    const { files, clock } = this.#context
    const { path, sizeBytes, hasGaps } = segment
    let nextOffset = segment.baseOffset
    for (let position = 0; position < sizeBytes;) {
      const { batches, endPosition } = await files.use(path, 'read', file =>
        readPortion(file, { position, nextOffset, sizeBytes, gapless: !hasGaps }, this.#buffer),
      )
      this.check()
      yield batches
      position = endPosition
      nextOffset = batches.at(-1)!.nextOffset
      await clock.yield()
      this.check()
    }
    if (nextOffset !== segment.nextOffset) throw new DamagedBatch(nextOffset)
  }

  /** @throws CleaningStopped */
  check(): void {
    if (this.#isStopped()) throw new CleaningStopped()
  }
}
