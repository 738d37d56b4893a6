/**
 * Which segment the next batch goes to. Appends run ahead of the disk, so this is a plan: the segment may not
 * have been made yet, and where a write finds no room the plan starts over from what is there.
 */
import type { Segment } from '../segment/segment.ts'

/** The offset index holds offsets less the segment's base offset, as int32. */
const relativeOffsetMax = 0x7fff_ffff

export class RollPlan {
  readonly #segmentBytes: number
  #baseOffset: number
  /** Of the planned segment, with everything that is on its way to it. */
  #bytes: number
  /** A roll was refused for want of room, and has to come first. */
  #rollsFirst = false

  constructor(segmentBytes: number, active: Segment) {
    this.#segmentBytes = segmentBytes
    this.#baseOffset = active.baseOffset
    this.#bytes = active.sizeBytes
  }

  /** Takes in a batch of the offsets given. Whether it begins a new segment. */
  place(batchBytes: number, baseOffset: number, lastOffset: number, active: Segment): boolean {
    const isActive = active.baseOffset === this.#baseOffset
    const fits =
      this.#bytes === 0 ||
      (this.#bytes + batchBytes <= this.#segmentBytes &&
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
