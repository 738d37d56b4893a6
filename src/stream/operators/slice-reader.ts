/**
 * Reads the rows of complete slices (window-slices.ts) in the order of keys. Each window that a slice is in
 * reads it when it fires, so slices of few rows stay in memory from the first of these windows to the last.
 *
 * Obligation of the caller: the rows of a slice that has been read do not change.
 */
import type { KeyedState, StateEntry } from '../../state/index.ts'

/** A slice of more rows is read from state for each of its windows, so many at a time. */
export const rowsKept: number = 4096

/** What is left to read, and the next of it. */
export interface Cursor<R> {
  /** The next entry; undefined at the end. */
  readonly head: StateEntry<R> | undefined
  next(): void
}

export interface SliceReader<R> {
  /** The rows of a slice, those after `afterKey`. */
  read(slice: number, afterKey?: string): Cursor<R>
  /** No slice before `slice` will be read again. */
  forgetBefore(slice: number): void
}

export function sliceReader<R>(rows: KeyedState<R>): SliceReader<R> {
  const kept = new Map<number, readonly StateEntry<R>[]>()
  return {
    read(slice, afterKey) {
      const known = afterKey === undefined ? kept.get(slice) : undefined
      if (known) return new Entries(known)
      const scan = rows.scan(slice, slice + 1, afterKey)
      const entries = nextOf(scan)
      if (entries.length === rowsKept) return new Entries(entries, scan)
      if (afterKey === undefined) kept.set(slice, entries)
      return new Entries(entries)
    },
    forgetBefore(first) {
      for (const slice of kept.keys()) if (slice < first) kept.delete(slice)
    },
  }
}

/** A cursor over the entries of a scan. */
export function cursorOf<R>(scan: Iterator<StateEntry<R>>): Cursor<R> {
  return new Entries([], scan)
}

class Entries<R> implements Cursor<R> {
  head: StateEntry<R> | undefined
  #entries: readonly StateEntry<R>[]
  #at = 0
  readonly #scan: Iterator<StateEntry<R>> | undefined

  /** @param scan what follows the entries */
  constructor(entries: readonly StateEntry<R>[], scan?: Iterator<StateEntry<R>>) {
    this.#entries = entries
    this.#scan = scan
    this.next()
  }

  next(): void {
    if (this.#at === this.#entries.length && this.#scan) {
      this.#entries = nextOf(this.#scan)
      this.#at = 0
    }
    this.head = this.#entries[this.#at++]
  }
}

/** The next {@link rowsKept} entries of a scan, or all that are left. */
function nextOf<R>(scan: Iterator<StateEntry<R>>): StateEntry<R>[] {
  const entries: StateEntry<R>[] = []
  while (entries.length < rowsKept) {
    const next = scan.next()
    if (next.done) break
    entries.push(next.value)
  }
  return entries
}
