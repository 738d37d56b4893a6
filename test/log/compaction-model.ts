/**
 * A model of compaction: every record that was appended, and from them what a reader may find, and must find.
 *
 * A compacted log still tells the latest value of each key, and the whole story of its end. So of two records
 * of a key only the later one has to be there, once both may have been cleaned, and a tombstone only for a
 * while. A record that is there is as it was appended, where it was appended.
 */
import assert from 'node:assert/strict'

export interface ModelRecord {
  readonly offset: number
  /** Null: no key. */
  readonly key: string | null
  /** Null: a tombstone. */
  readonly value: string | null
  readonly timestamp: number
  /** When it was appended, by the log's clock. */
  readonly appendedMs: number
  readonly producerId: number | undefined
  /** The transaction that it belongs to: undecided, or as it ended. */
  readonly fate: { state: 'open' | 'committed' | 'aborted' }
}

/** What the log may have done with its records by now. */
export interface Cleaned {
  /** The keys of all records below were compacted. */
  readonly cleanedTo: number
  /** Perhaps also of records up to here: a pass has begun. */
  readonly begunTo: number
  /** Tombstones that were appended before may be gone. */
  readonly tombstonesBeforeMs: number
}

export class CompactionModel {
  records: ModelRecord[] = []

  /** Drops everything from `offset` on: it was never safe. */
  truncate(offset: number): void {
    this.records = this.records.filter(record => record.offset < offset)
  }

  /** Checks what a reader found of the offsets from `from` up to, not including, `to`. */
  check(found: readonly Found[], from: number, to: number, readsAborted: boolean, cleaned: Cleaned): void {
    const inRange = this.records.filter(({ offset }) => offset >= from && offset < to)
    const may = inRange.filter(({ fate }) => readsAborted || fate.state === 'committed')
    const mayBeThere = new Map(may.map(record => [record.offset, record]))
    for (const record of found) {
      const appended = mayBeThere.get(record.offset)
      assert(appended, `nothing is shown at offset ${record.offset}`)
      const { offset, key, value, timestamp } = appended
      assert.deepEqual(record, { offset, key, value, timestamp })
      assert(!this.#isReplaced(appended, cleaned.cleanedTo), `the record at offset ${offset} was replaced`)
    }
    const offsets = new Set(found.map(({ offset }) => offset))
    for (const record of inRange) {
      const { offset, value, appendedMs, fate } = record
      if (fate.state !== 'committed' || this.#isReplaced(record, cleaned.begunTo)) continue
      const mayBeGone = value === null && offset < cleaned.begunTo && appendedMs < cleaned.tombstonesBeforeMs
      assert(offsets.has(offset) || mayBeGone, `the record at offset ${offset} is there`)
    }
  }

  /** If all below `end` is compacted: the record has no key, was aborted, or a later one has its key. */
  #isReplaced({ offset, key, fate }: ModelRecord, end: number): boolean {
    if (offset >= end) return false
    if (key === null || fate.state === 'aborted') return true
    return this.records.some(
      later =>
        later.key === key && later.offset > offset && later.offset < end && later.fate.state === 'committed',
    )
  }
}

export type Found = Pick<ModelRecord, 'offset' | 'key' | 'value' | 'timestamp'>
