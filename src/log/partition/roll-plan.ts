/**
 * The segment of the next batch. Appends are ahead of the disk, so this is a plan: the segment may not exist
 * yet. If a write finds no room, the plan starts over from the existing segments.
 */
import type { Segment } from '../segment/segment.ts'
import type { SettingsSource } from './partition-settings.ts'

/** The offset index holds offsets less the segment's base offset, as int32. */
const relativeOffsetMax = 0x7fff_ffff

export class RollPlan {
  readonly #source: SettingsSource
  #baseOffset: number
  /** Bytes of the planned segment, with everything in flight to it. */
  #bytes: number
  /** A roll was refused for lack of room, and must come first. */
  #rollsFirst = false

  constructor(source: SettingsSource, active: Segment) {
    this.#source = source
    this.#baseOffset = active.baseOffset
    this.#bytes = active.sizeBytes
  }

  /** Adds a batch with these offsets. Returns whether it begins a new segment. */
  place(batchBytes: number, baseOffset: number, lastOffset: number, active: Segment): boolean {
    const isActive = active.baseOffset === this.#baseOffset
    const fits =
      this.#bytes === 0 ||
      (this.#bytes + batchBytes <= this.#source.settings.segmentBytes &&
        lastOffset - this.#baseOffset <= relativeOffsetMax &&
        !(isActive && active.indexIsFull))
    if (fits && !this.#rollsFirst) {
      this.#bytes += batchBytes
      return false
    }
    this.#rollsFirst = false
    this.#baseOffset = baseOffset
    this.#bytes = batchBytes
    return true
  }

  /**
   * Everything in flight was refused. `rollsFirst`: a roll came first, which did not happen.
   */
  reset(active: Segment, rollsFirst: boolean): void {
    this.#rollsFirst = rollsFirst
    this.#baseOffset = active.baseOffset
    this.#bytes = active.sizeBytes
  }
}
