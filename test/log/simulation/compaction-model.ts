/**
 * A model of compaction: which of the appended records a reader may find, and which it must find. Without
 * compaction both are the same.
 *
 * A compacted log has the latest value of each key, and all records above what was compacted. So below that
 * point, of two records of a key only the later one has to be there, and a tombstone only for a while. An
 * aborted record, and one without a key, goes. A record that is there is as it was appended, where it was
 * appended.
 */
import assert from 'node:assert/strict'
import type { Isolation } from '../../../src/log/index.ts'
import type { LogModel, ModelRecord } from './log-model.ts'

/** What compaction may have done by now. */
export interface Compacted {
  /** The keys of all records below were compacted. */
  readonly cleanedTo: number
  /** Perhaps also those of records up to here: a pass has begun. */
  readonly begunTo: number
  /** Tombstones that were appended before may be gone. */
  readonly tombstonesBeforeMs: number
}

/**
 * Checks what a reader has found of the offsets from `from` up to, not including, `to`.
 * @returns how many records compaction has removed there
 */
export function checkFound(
  model: LogModel,
  found: readonly ModelRecord[],
  from: number,
  to: number,
  isolation: Isolation,
  { cleanedTo, begunTo, tombstonesBeforeMs }: Compacted,
): number {
  const records = model.records()
  /** The latest committed record of each key below an offset. */
  const latestBelow = (end: number): Map<string | null, number> =>
    new Map(
      records
        .filter(({ offset, fate }) => offset < end && fate === 'committed')
        .map(({ key, offset }) => [key, offset]),
    )
  const [latest, perhapsLatest] = [latestBelow(cleanedTo), latestBelow(begunTo)]
  const left = new Map(found.map(record => [record.offset, record]))
  let removed = 0
  for (const { fate, appendedMs, ...record } of records) {
    const { offset, key, value } = record
    const isReplaced = (end: number, keys: ReadonlyMap<string | null, number>): boolean =>
      offset < end && (key === null || fate === 'aborted' || offset < (keys.get(key) ?? -1))
    const isShown = isolation === 'read_uncommitted' || fate === 'committed'
    const mayBeThere = offset >= from && offset < to && isShown && !isReplaced(cleanedTo, latest)
    const isOldTombstone = value === null && offset < begunTo && appendedMs < tombstonesBeforeMs
    const mustBeThere = mayBeThere && !isOldTombstone && !isReplaced(begunTo, perhapsLatest)
    const actual = left.get(offset)
    if (actual) assert(mayBeThere, `the record at offset ${offset} is not shown (${fate}, key ${key})`)
    if (actual) assert.deepEqual(actual, record)
    else assert(!mustBeThere, `the record at offset ${offset} is shown (${fate}, key ${key})`)
    left.delete(offset)
    if (!actual && isShown && offset >= from && offset < to) removed += 1
  }
  assert.deepEqual([...left.keys()], [], 'nothing else is shown')
  return removed
}
