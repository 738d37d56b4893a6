/**
 * What must survive the end of a process. Records: those that were acknowledged or shown. Deletions: those
 * that were acknowledged. And what retention must leave.
 */
import assert from 'node:assert/strict'
import type { Partition } from '../../../src/log/index.ts'
import type { LogModel } from './log-model.ts'
import { retainedBytesMin, retainedMsMin, type SimulatedSettings } from './settings.ts'

/** The time as the log sees it, which may go back between processes, and as it passes. */
export interface SimulatedTime {
  readonly wallMs: number
  readonly passedMs: number
}

export class Safety {
  readonly #model: LogModel
  readonly #isSync: boolean
  readonly #settings: SimulatedSettings
  /** Everything below must survive a loss of power … */
  #safeOffset = 0
  /** … and everything below this one a kill: it was acknowledged or shown. */
  #shownOffset = 0
  /** Deletions were asked for up to here … */
  #deletedOffset = 0
  /** … and acknowledged up to here: no later start shows these records. */
  #goneOffset = 0
  #startOffset = 0
  /** Retention by size has dropped records up to here, and no others have gone. */
  #droppedBySize = 0
  /** Records that retention has dropped. */
  expired = 0

  constructor(model: LogModel, settings: SimulatedSettings) {
    this.#model = model
    this.#isSync = settings.options.durability === 'sync'
    this.#settings = settings
  }

  get shownOffset(): number {
    return this.#shownOffset
  }

  acknowledged(endOffset: number): void {
    this.#shownOffset = Math.max(this.#shownOffset, endOffset)
    if (this.#isSync) this.#safeOffset = Math.max(this.#safeOffset, endOffset)
  }

  deleting(offset: number): void {
    this.#deletedOffset = Math.max(this.#deletedOffset, offset)
  }

  deleted(offset: number): void {
    this.#goneOffset = Math.max(this.#goneOffset, offset)
  }

  /** A process has ended. */
  ended(how: 'clean' | 'kill' | 'crash'): void {
    if (how !== 'kill') this.#shownOffset = this.#safeOffset
  }

  /** The log was opened. */
  opened({ logStartOffset, logEndOffset }: Partition): void {
    assert(logStartOffset >= Math.min(this.#goneOffset, logEndOffset), 'deleted records stay deleted')
    // A start that was not acknowledged may have been lost.
    this.#startOffset = Math.min(this.#startOffset, logStartOffset)
  }

  /** No record at `offset` or later is in the log. */
  takenBack(offset: number): void {
    assert(offset >= this.#shownOffset, `the log ends at ${offset}, and ${this.#shownOffset} was safe`)
    // New records take the offsets of those that were lost, and nobody has deleted them.
    this.#goneOffset = Math.min(this.#goneOffset, offset)
  }

  /** Reads the offsets: a record that is shown now is never lost. */
  observe(partition: Partition, time: SimulatedTime): void {
    const { logStartOffset, lastStableOffset, highWatermark, syncedOffset, logEndOffset } = partition
    const inOrder = [logStartOffset, lastStableOffset, highWatermark, logEndOffset]
    assert.deepEqual(
      inOrder,
      inOrder.toSorted((a, b) => a - b),
    )
    assert(!this.#isSync || highWatermark <= syncedOffset, 'what is shown is synced')
    this.#shownOffset = Math.max(this.#shownOffset, highWatermark)
    this.#safeOffset = Math.max(this.#safeOffset, this.#isSync ? highWatermark : syncedOffset)
    this.#checkRetained(logStartOffset, time)
  }

  /** Records below the start were deleted, or are old, or are more than retention by size keeps. */
  #checkRetained(startOffset: number, { wallMs, passedMs }: SimulatedTime): void {
    const before = this.#startOffset
    this.#startOffset = Math.max(before, startOffset)
    if (startOffset > before && startOffset > this.#deletedOffset) {
      this.expired += startOffset - before
      const young = this.#model
        .records()
        .findLast(
          ({ offset, timestamp, appendedMs }) =>
            offset >= before &&
            offset < startOffset &&
            timestamp > wallMs - retainedMsMin &&
            appendedMs > passedMs - retainedMsMin,
        )
      if (young) this.#droppedBySize = young.offset + 1
    }
    // With durability 'os' a loss of power removes some of what retention counted; compaction does as well.
    if (this.#droppedBySize <= this.#deletedOffset || !this.#isSync || this.#settings.compacts) return
    const retained = this.#model.batches.filter(({ nextOffset }) => nextOffset > this.#droppedBySize)
    const bytes = retained.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    assert(bytes >= retainedBytesMin, 'retention leaves what it has to leave')
  }
}
