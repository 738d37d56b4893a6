/**
 * What overlapping windows share. A **slice** is the time between two starts of windows: all records in it
 * are in the same windows. So a record is added to one row, that of its slice, and the result of a window is
 * joined from the rows of its slices. Windows of ten minutes every minute take one row for a record, not ten.
 * (Krishnamurthy and others, "On-the-fly sharing for streamed aggregation", 2006; Flink's window functions
 * of tables.)
 *
 * A slice takes records until the first of its windows is complete. It changes no more then, as long as one
 * of its windows needs it, so its windows read it once (slice-reader.ts). A record that comes later, which
 * only some of the windows take or which corrects what has fired, is added to the own row of each window.
 *
 * State: `slices`, namespace = the start of the slice, key → row.
 */
import { assert } from '../../base/index.ts'
import type { KeyedState, StateEntry } from '../../state/index.ts'
import type { Aggregation, Fold, Join } from './aggregation.ts'
import type { WindowResult } from './emission.ts'
import { type OperatorContext, stateBegin } from './operator.ts'
import type { StreamRecord } from './record.ts'
import { type Cursor, cursorOf, sliceReader, type SliceReader } from './slice-reader.ts'
import type { WindowGrid } from './window-grid.ts'
import type { Row } from './window-row.ts'
import type { AlignedWindows } from './windows.ts'

/** With more slices than this, joining them takes longer than a row for each window. */
const slicesMax = 16

export interface WindowSlices<K, V, A> {
  /** Adds a record to its slice, of whose windows none is complete, by the record's own watermark neither. */
  add(record: StreamRecord<K, V>, rawKey: string, fold: Fold<K, V, A>): void
  /** A result of a window's own row, with what the window shares. */
  whole(result: WindowResult<K, A>): WindowResult<K, A>
  /** The rows of whole windows, as `KeyedState.scan`: the namespace is the window's place. */
  scan(from: number, to: number, afterKey?: string): Generator<StateEntry<Row<A>>>
  /** Deletes the slices that no window needs any more which ends after `watermark`, in turns. */
  deleteInTurns(watermark: number): Generator<void>
}

/**
 * The slices of windows whose aggregates can be joined; undefined for others. `own`: the rows that the
 * windows have for themselves.
 */
export function windowSlices<K, V, A>(
  context: OperatorContext,
  windows: AlignedWindows,
  grid: WindowGrid,
  { join }: Aggregation<K, V, A>,
  own: KeyedState<Row<A>>,
): WindowSlices<K, V, A> | undefined {
  const { sizeMs, advanceMs, timeZone, time } = windows
  const count = sizeMs / advanceMs
  const areWhole = Number.isInteger(count) && count > 1 && count <= slicesMax
  // By processing time windows are forgotten as they fire, and nothing says which did; slices stay.
  if (!join || !areWhole || timeZone !== undefined || time === 'processing') return undefined

  return new Slices<K, V, A>(context, windows, grid, join, own)
}

/** A class, so that the generators of all such operators are alike to the engine. */
class Slices<K, V, A> implements WindowSlices<K, V, A> {
  readonly #context: OperatorContext
  readonly #grid: WindowGrid
  readonly #join: Join<A>
  readonly #own: KeyedState<Row<A>>
  readonly #rows: KeyedState<Row<A>>
  readonly #complete: SliceReader<Row<A>>
  readonly #advanceMs: number
  readonly #offsetMs: number
  /** The slice of the last call: most calls are about the same one again. */
  #known = Number.NaN

  constructor(
    context: OperatorContext,
    { advanceMs, offsetMs }: AlignedWindows,
    grid: WindowGrid,
    join: Join<A>,
    own: KeyedState<Row<A>>,
  ) {
    this.#context = context
    this.#grid = grid
    this.#join = join
    this.#own = own
    this.#rows = context.state<Row<A>>('slices', { isScanned: true })
    this.#complete = sliceReader(this.#rows)
    this.#advanceMs = advanceMs
    this.#offsetMs = offsetMs
  }

  add(record: StreamRecord<K, V>, rawKey: string, { first, add }: Fold<K, V, A>): void {
    const { key, value, timestamp } = record
    const slice = this.#startOf(timestamp)
    const row = this.#rows.get(slice, rawKey)
    const sum = row === undefined ? first(value, key, record) : add(row.value, value, key, record)
    assert(sum !== null, 'no value deletes an aggregate that windows share')
    const latest = row === undefined ? timestamp : Math.max(row.timestamp, timestamp)
    this.#rows.put(slice, rawKey, { value: sum, timestamp: latest })
  }

  whole(result: WindowResult<K, A>): WindowResult<K, A> {
    const { place, rawKey, value, previous, timestamp } = result
    const join = this.#join
    let shared: Row<A> | undefined
    for (const slice of this.#slicesOf(place)) {
      const row = this.#rows.get(slice, rawKey)
      if (row !== undefined) shared = joinRows(join, shared, row)
    }
    if (shared === undefined) return result
    return {
      ...result,
      value: value === null ? shared.value : join(shared.value, value),
      previous: previous === null ? shared.value : join(shared.value, previous),
      timestamp: Math.max(shared.timestamp, timestamp),
    }
  }

  *scan(from: number, to: number, afterKey?: string): Generator<StateEntry<Row<A>>> {
    const join = this.#join
    for (let place = this.#nextPlace(from); place < to; place = this.#nextPlace(place + 1)) {
      const after = place === from ? afterKey : undefined
      this.#complete.forgetBefore(this.#grid.startOf(place))
      const parts = [cursorOf(this.#own.scan(place, place + 1, after))]
      for (const slice of this.#slicesOf(place)) parts.push(this.#complete.read(slice, after))
      for (let entry; (entry = nextJoined(join, place, parts)) !== undefined;) yield entry
    }
  }

  *deleteInTurns(watermark: number): Generator<void> {
    const grid = this.#grid
    const to = Number.isFinite(watermark) ? grid.startOf(grid.first(watermark)) : watermark
    yield* this.#rows.deleteInTurns(stateBegin, to, () => this.#context.rowsPerTurn())
  }

  #startOf(timestamp: number): number {
    const advanceMs = this.#advanceMs
    if (timestamp >= this.#known && timestamp < this.#known + advanceMs) return this.#known
    const since = (timestamp - this.#offsetMs) % advanceMs
    return (this.#known = timestamp - (since < 0 ? since + advanceMs : since))
  }

  #slicesOf(place: number): number[] {
    const slices: number[] = []
    for (let at = this.#grid.startOf(place); at < this.#grid.endOf(place); at += this.#advanceMs)
      slices.push(at)
    return slices
  }

  /** A place from `from` on before which no window has a row. */
  #nextPlace(from: number): number {
    const slice = this.#rows.firstNamespace(this.#grid.startOf(from))
    const first = Math.min(
      slice === undefined ? Number.POSITIVE_INFINITY : this.#grid.first(slice),
      this.#own.firstNamespace(from) ?? Number.POSITIVE_INFINITY,
    )
    if (first >= from) return first
    const before = this.#startOf(from)
    return before === from ? from : before + this.#advanceMs
  }
}

/** The row of two parts of a window. */
function joinRows<A>(join: Join<A>, one: Row<A> | undefined, other: Row<A>): Row<A> {
  if (one === undefined) return other
  return { value: join(one.value, other.value), timestamp: Math.max(one.timestamp, other.timestamp) }
}

/** The row of the next key, joined from the parts of a window. Each part is in the order of keys. */
function nextJoined<A>(
  join: Join<A>,
  place: number,
  parts: readonly Cursor<Row<A>>[],
): StateEntry<Row<A>> | undefined {
  let key: string | undefined
  for (const { head } of parts) if (head && (key === undefined || head.key < key)) key = head.key
  if (key === undefined) return undefined
  let value: Row<A> | undefined
  for (const part of parts) {
    if (part.head?.key !== key) continue
    value = joinRows(join, value, part.head.value)
    part.next()
  }
  return { namespace: place, key, value: value! }
}
