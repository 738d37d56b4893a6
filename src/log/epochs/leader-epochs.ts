/**
 * The leader epochs of a partition: at which offset each of them begins (KIP-101, KIP-320). A batch carries
 * the epoch in which it was appended. A start after an unclean stop begins a new one, since records that
 * readers have seen may be gone: a consumer asks where its last epoch ends, and learns whether that is so.
 *
 * Entries ascend strictly, by epoch and by offset. The last one is the present epoch.
 */
import { assert } from '../../base/index.ts'

export interface EpochStart {
  readonly epoch: number
  readonly startOffset: number
}

export interface EpochEnd {
  readonly epoch: number
  /** The offset after the epoch's last record. */
  readonly endOffset: number
}

export class LeaderEpochs {
  #entries: EpochStart[]
  /** What was saved last; undefined: nothing. */
  #saved: readonly EpochStart[] | undefined

  /** `entries`: as they were saved. */
  constructor(entries: readonly EpochStart[] = [], isSaved = false) {
    this.#entries = [...entries]
    this.#saved = isSaved ? entries : undefined
  }

  get entries(): readonly EpochStart[] {
    return this.#entries
  }

  /** The latest epoch; -1 before the first is assigned. */
  get latest(): number {
    return this.#entries.at(-1)?.epoch ?? -1
  }

  /**
   * Begins an epoch at an offset. One that began already stays. Later ones, and those that would begin at or
   * after the offset, hold no record, and go.
   */
  assign(epoch: number, startOffset: number): void {
    assert(epoch >= 0 && startOffset >= 0, 'an epoch and its offset are not negative')
    if (epoch === this.latest && startOffset >= this.#entries.at(-1)!.startOffset) return
    const kept = this.#entries.filter(each => each.epoch < epoch && each.startOffset < startOffset)
    this.#entries = [...kept, { epoch, startOffset }]
  }

  /** The log ends at this offset: later epochs go. */
  cutEnd(endOffset: number): void {
    this.#entries = this.#entries.filter(({ startOffset }) => startOffset < endOffset)
  }

  /** The log begins at this offset: epochs that end there go. */
  cutStart(logStartOffset: number): void {
    const first = this.#entries.findLastIndex(({ startOffset }) => startOffset <= logStartOffset)
    if (first < 0 || (first === 0 && this.#entries[0]!.startOffset === logStartOffset)) return
    const [{ epoch }, ...later] = this.#entries.slice(first) as [EpochStart, ...EpochStart[]]
    this.#entries = [{ epoch, startOffset: logStartOffset }, ...later]
  }

  /**
   * Where an epoch ends, by the rules of Kafka's OffsetForLeaderEpoch. The answer is for the largest known
   * epoch at or below the one asked for: the start of the next one, or for the latest epoch the end of the
   * log. For an epoch below all known ones it is that epoch, and the start of the first. Undefined (in Kafka
   * -1) for an epoch beyond the latest.
   */
  endOf(epoch: number, logEndOffset: number): EpochEnd | undefined {
    if (epoch < 0 || epoch > this.latest) return undefined
    const next = this.#entries.findIndex(each => each.epoch > epoch)
    if (next < 0) return { epoch, endOffset: logEndOffset }
    const { startOffset } = this.#entries[next]!
    return { epoch: this.#entries[next - 1]?.epoch ?? epoch, endOffset: startOffset }
  }

  /** The epoch of a record; -1 if it is not known. */
  of(offset: number): number {
    return this.#entries.findLast(({ startOffset }) => startOffset <= offset)?.epoch ?? -1
  }

  /**
   * Whether there is something to save. Without a file all of a log is of epoch 0, as in one of an earlier
   * version.
   */
  get isUnsaved(): boolean {
    if (this.#saved === undefined && this.latest <= 0) return false
    return this.#saved?.length !== this.#entries.length || this.#saved.at(-1)?.epoch !== this.latest
  }

  saved(entries: readonly EpochStart[]): void {
    this.#saved = entries
  }
}
