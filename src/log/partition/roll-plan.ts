/**
 * The segment of the next batch. Appends are ahead of the disk, so this is a plan: the segment may not exist
 * yet. If a write finds no room, the plan starts over from the existing segments.
 */
import type { Segment } from '../segment/segment.ts'
import type { SettingsSource } from './partition-settings.ts'

/** The offset index holds offsets less the segment's base offset, as int32. */
const relativeOffsetMax = 0x7fff_ffff
const indexEntryBytes = 8

export class RollPlan {
  readonly #source: SettingsSource
  #baseOffset: number
  /** Bytes of the planned segment, with everything in flight to it. */
  #bytes: number
  /** The machine's time of its first append; undefined while unknown. */
  #firstAppendMs: number | undefined
  /** A roll was refused for lack of room, and must come first. */
  #rollsFirst = false

  constructor(source: SettingsSource, active: Segment) {
    this.#source = source
    this.#baseOffset = active.baseOffset
    this.#bytes = active.sizeBytes
    this.#firstAppendMs = active.firstAppendMs
  }

  /** Adds a batch with these offsets at the time `now`. Returns whether it begins a new segment. */
  place(batchBytes: number, baseOffset: number, lastOffset: number, now: number, active: Segment): boolean {
    const isActive = active.baseOffset === this.#baseOffset
    const { segmentBytes, segmentIndexBytes } = this.#source.settings
    const fits =
      this.#bytes === 0 ||
      (this.#bytes + batchBytes <= segmentBytes &&
        lastOffset - this.#baseOffset <= relativeOffsetMax &&
        !(isActive && active.indexBytes > segmentIndexBytes - indexEntryBytes) &&
        !this.#isOld(now))
    if (fits && !this.#rollsFirst) {
      this.#bytes += batchBytes
      this.#firstAppendMs ??= now
      return false
    }
    this.#begin(baseOffset, batchBytes, now)
    return true
  }

  /** Begins a new segment at `baseOffset`, without a batch. False: the planned one is empty. */
  roll(baseOffset: number): boolean {
    if (this.#bytes === 0 && !this.#rollsFirst) return false
    this.#begin(baseOffset, 0, undefined)
    return true
  }

  /**
   * Everything in flight was refused. `rollsFirst`: a roll came first, which did not happen.
   */
  reset(active: Segment, rollsFirst: boolean): void {
    this.#rollsFirst = rollsFirst
    this.#baseOffset = active.baseOffset
    this.#bytes = active.sizeBytes
    this.#firstAppendMs = active.firstAppendMs
  }

  #begin(baseOffset: number, bytes: number, firstAppendMs: number | undefined): void {
    this.#rollsFirst = false
    this.#baseOffset = baseOffset
    this.#bytes = bytes
    this.#firstAppendMs = firstAppendMs
  }

  /**
   * By the machine's time of its first append. Kafka compares timestamps of records, which makes many small
   * segments of a replay.
   */
  #isOld(now: number): boolean {
    const { compact, maxCompactionLagMs, segmentMs } = this.#source.settings
    const ageMsMax = compact ? Math.min(segmentMs, maxCompactionLagMs) : segmentMs
    return this.#firstAppendMs !== undefined && now - this.#firstAppendMs > ageMsMax
  }
}
