/**
 * The order of a set of strings, worked out only when somebody asks for it.
 *
 * New keys are collected unsorted. The first question after that sorts them into a **run**; a run is merged with the one before it once it is
 * half as long, so that there are few, until they are `runLengthMax` long: that bounds how long a merge can hold up everything else. Keys
 * that have gone stay in their run, and readers pass over them, until they are the larger part.
 *
 * Measured against a B+ tree with a million keys (Node 26): a write to a hash map and its share of the sorting take half the time of an insertion, and
 * a write to a key that is there already, the common case, 40 %.
 */
import { firstWhere } from '../base/index.ts'

/** Fewer gone keys than this are not worth the work. */
const goneMin = 4096

export class SortedKeys {
  readonly #isThere: (key: string) => boolean
  readonly #runLengthMax: number
  /** Sorted, oldest first; a key that has gone and come again may be in two of them. */
  #runs: string[][] = []
  #fresh: string[] = []
  /** Keys in runs. */
  #length = 0
  /** How many of them have gone, at most. */
  #gone = 0
  /** The run that is cleared of gone keys next. */
  #nextToClear = 0

  /** @param isThere whether a key that was added is still in the set */
  constructor(isThere: (key: string) => boolean, runLengthMax: number = 2 ** 20) {
    this.#isThere = isThere
    this.#runLengthMax = runLengthMax
  }

  /** The key has come into the set. */
  add(key: string): void {
    this.#fresh.push(key)
  }

  /** A key has left the set: `isThere` says so by now. */
  remove(): void {
    this.#gone++
  }

  clear(): void {
    this.#runs = []
    this.#fresh = []
    this.#length = this.#gone = 0
  }

  /** Keys that are there, with from ≤ key < to, in order. The set must not change meanwhile. */
  *range(from: string, to: string | undefined): Generator<string> {
    this.#settle()
    const runs: string[][] = []
    const heads: number[] = []
    for (const run of this.#runs) {
      const head = firstFrom(run, from)
      if (head === run.length) continue
      runs.push(run)
      heads.push(head)
    }
    let previous: string | undefined
    while (runs.length > 0) {
      let least = 0
      for (let i = 1; i < runs.length; i++) if (runs[i]![heads[i]!]! < runs[least]![heads[least]!]!) least = i
      const key = runs[least]![heads[least]!]!
      if (to !== undefined && key >= to) return
      if (++heads[least]! === runs[least]!.length) {
        runs.splice(least, 1)
        heads.splice(least, 1)
      }
      if (key !== previous && this.#isThere(key)) yield key
      previous = key
    }
  }

  #settle(): void {
    if (this.#fresh.length > 0) {
      this.#runs.push(this.#fresh.sort())
      this.#length += this.#fresh.length
      this.#fresh = []
    }
    for (;;) {
      const older = this.#runs.at(-2)
      const younger = this.#runs.at(-1)
      if (
        !older ||
        !younger ||
        younger.length * 2 < older.length ||
        older.length + younger.length > this.#runLengthMax
      )
        break
      this.#replace(this.#runs.length - 2, 2, this.#merge(older, younger))
    }
    if (this.#gone > goneMin && this.#gone * 2 > this.#length) this.#clearOne()
  }

  /** Clears one run of gone keys: the next one is for the next call, so that no call takes long. */
  #clearOne(): void {
    const index = this.#nextToClear % this.#runs.length
    const before = this.#runs[index]!
    const kept = before.filter(this.#isThere)
    this.#gone -= before.length - kept.length
    // After a round of all runs nothing gone is left, but a key that is in two runs is still counted for one of them.
    if (index === this.#runs.length - 1) this.#gone = 0
    this.#replace(index, 1, kept)
    this.#nextToClear = kept.length === 0 ? index : index + 1
  }

  #replace(index: number, count: number, run: string[]): void {
    const gone = this.#runs.splice(index, count, ...(run.length > 0 ? [run] : []))
    this.#length += run.length - gone.reduce((sum, one) => sum + one.length, 0)
  }

  #merge(a: readonly string[], b: readonly string[]): string[] {
    const merged: string[] = []
    let i = 0
    let j = 0
    while (i < a.length && j < b.length) {
      const left = a[i]!
      const right = b[j]!
      if (left < right) {
        merged.push(left)
        i++
      } else {
        // Twice the same: a key that had gone and came again.
        if (left === right) {
          i++
          this.#gone--
        }
        merged.push(right)
        j++
      }
    }
    while (i < a.length) merged.push(a[i++]!)
    while (j < b.length) merged.push(b[j++]!)
    return merged
  }
}

/** The index of the first of the sorted `keys` at or after `from`. */
export function firstFrom(keys: readonly string[], from: string): number {
  return firstWhere(keys.length, n => keys[n]! >= from)
}
