/**
 * Rebuilds a partition's producers in recovery: from the latest readable snapshot, and the batches after it.
 * Snapshots are derived data; one that is damaged or missing only means that the replay begins earlier.
 */
import type { Clock, Disk } from '../../base/index.ts'
import { controlMarkerOf, type RecordBatch } from '../../wire/index.ts'
import type { AbortedTransaction } from '../segment/abort-index.ts'
import { parseSegmentFile, segmentFile } from '../files/file-names.ts'
import { encodeSnapshot, parseSnapshot } from './producer-snapshot.ts'
import { ProducerState } from './producer-state.ts'
import { readFile, removeIfThere, replaceFile } from '../files/small-file.ts'

export class ProducerReplay {
  readonly #disk: Disk
  readonly #clock: Clock
  readonly #folder: string
  /** Offsets of the snapshots that were found, ascending. */
  readonly #snapshots: readonly number[]
  #state = new ProducerState()
  #fromOffset = 0
  #largestId = -1

  /** `names`: those in the folder. */
  constructor(disk: Disk, clock: Clock, folder: string, names: readonly string[]) {
    this.#disk = disk
    this.#clock = clock
    this.#folder = folder
    this.#snapshots = names
      .map(parseSegmentFile)
      .filter(parsed => parsed?.extension === 'snapshot')
      .map(parsed => parsed!.offset)
  }

  get state(): ProducerState {
    return this.#state
  }

  /** The largest producer id of all batches that were replayed, or could have been. */
  get largestId(): number {
    return Math.max(this.#largestId, this.#state.largestId)
  }

  /** Batches below this are in the state already. */
  get fromOffset(): number {
    return this.#fromOffset
  }

  /** Begins with the latest snapshot at or below `offset`. */
  async begin(offset: number): Promise<void> {
    for (const candidate of this.#snapshots.filter(each => each <= offset).toReversed()) {
      const bytes = await readFile(this.#disk, this.#path(candidate))
      const entries = bytes && parseSnapshot(bytes, this.#clock.now())
      if (!entries) continue
      this.#state = new ProducerState(entries)
      this.#fromOffset = candidate
      return
    }
  }

  /** Takes a batch of the log; returns the transaction that it aborts. */
  replay(batch: RecordBatch): AbortedTransaction | undefined {
    if (batch.producerId === -1) return undefined
    this.#largestId = Math.max(this.#largestId, batch.producerId)
    if (batch.baseOffset < this.#fromOffset) return undefined
    const now = this.#clock.now()
    if (!batch.isControl) {
      this.#state.append(batch, now)
      return undefined
    }
    const { producerId, producerEpoch, baseOffset } = batch
    const marker = controlMarkerOf(batch)
    if (!marker) {
      if (batch.count === 0) this.#replayEmptied(batch)
      return undefined
    }
    const { ended } = this.#state.mark({ ...marker, producerId, producerEpoch }, baseOffset, now)
    return marker.type === 'abort' ? ended : undefined
  }

  /**
   * Takes what compaction keeps of a producer's last marker: its epoch. Nothing of its transaction is left.
   */
  #replayEmptied({ producerId, producerEpoch, baseOffset }: RecordBatch): void {
    const coordinatorEpoch = this.#state.get(producerId)?.coordinatorEpoch ?? -1
    const marker = { type: 'commit', producerId, producerEpoch, coordinatorEpoch } as const
    this.#state.mark(marker, baseOffset, this.#clock.now())
  }

  /** Saves the producers as of `offset`, up to which everything was replayed. */
  async save(offset: number): Promise<void> {
    const bytes = encodeSnapshot([...this.#state.entries()])
    await replaceFile(this.#disk, this.#folder, segmentFile(offset, 'snapshot'), bytes)
  }

  /**
   * Removes snapshots that are not needed: those past the end, and those left by clean stops. Keeps the
   * latest one, and those at the start of a segment.
   */
  async tidy(segmentOffsets: readonly number[], endOffset: number): Promise<void> {
    const kept = new Set(segmentOffsets)
    const latest = this.#snapshots.findLast(offset => offset <= endOffset)
    if (latest !== undefined) kept.add(latest)
    const removed = this.#snapshots.filter(offset => offset > endOffset || !kept.has(offset))
    for (const offset of removed) await removeIfThere(this.#disk, this.#path(offset))
    if (removed.length > 0) await this.#disk.syncDirectory(this.#folder)
  }

  #path(offset: number): string {
    return `${this.#folder}/${segmentFile(offset, 'snapshot')}`
  }
}
