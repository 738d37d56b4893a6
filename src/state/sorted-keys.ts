/**
 * The order of a set of strings, computed in pieces.
 *
 * New keys are collected unsorted. They are sorted into a **run** when there are `freshMax` of them, or when
 * a reader asks for the order. A run is merged with the one before it if it is at least half as long, so
 * that there are few runs; no merged run is longer than `runLengthMax`. Removed keys stay in their run, and
 * readers skip them. Once they are the larger part, all runs are cleared of them, one after the other.
 *
 * Merging and clearing write a new run beside the old ones, which serve readers until it is complete. So no
 * call moves more than {@link movesPerFresh} keys for each of `freshMax`. Nothing is merged before the first
 * read: a set whose order is never read costs little.
 *
 * Measured against a B+ tree with a million keys (Node 26): a write to a hash map and its share of the
 * sorting take half the time of an insertion, and a write to an existing key, the common case, takes 40 %.
 */
import { firstWhere } from '../base/index.ts'
import { RunRewrite } from './run-rewrite.ts'

/** Limits that tests make small. */
export interface SortedKeysLimits {
  /** This many new keys are sorted at once. Default 16384: a few milliseconds. */
  readonly freshMax?: number
  /** Fewer removed keys than this are not worth clearing. Default 4096. */
  readonly goneMin?: number
  /** No merged run is longer. Default 2^20. */
  readonly runLengthMax?: number
}

export const freshMaxDefault: number = 2 ** 14
const goneMinDefault = 4096
const runLengthMaxDefault = 2 ** 20
/**
 * Keys that one call moves from old runs to a new one, for each of `freshMax`. A key is merged a few times on
 * its way into a long run.
 */
export const movesPerFresh = 4

export class SortedKeys {
  readonly #isThere: (key: string) => boolean
  readonly #freshMax: number
  readonly #goneMin: number
  readonly #runLengthMax: number
  /** Sorted runs, oldest first. A key that was removed and added again may be in two of them. */
  #runs: string[][] = []
  #fresh: string[] = []
  #wasAsked = false
  /** Keys in runs. */
  #length = 0
  /** An upper bound of the removed keys among them. */
  #gone = 0
  /** The new run that is being written, from the runs at `index`. */
  #rewrite: { readonly index: number; readonly run: RunRewrite } | undefined
  /** Set while the runs are cleared: the next run, and how many keys had been removed when clearing began. */
  #clearing: { next: number; readonly gone: number } | undefined
  #moves = 0

  /** @param isThere whether a key that was added is still in the set */
  constructor(isThere: (key: string) => boolean, limits: SortedKeysLimits = {}) {
    this.#isThere = isThere
    this.#freshMax = limits.freshMax ?? freshMaxDefault
    this.#goneMin = limits.goneMin ?? goneMinDefault
    this.#runLengthMax = limits.runLengthMax ?? runLengthMaxDefault
  }

  /**
   * Keys that were sorted, merged or checked by clearing so far, for tests that bound the work of one call.
   */
  get moves(): number {
    return this.#moves
  }

  /**
   * Adds a key to the set. `isThere` already answers true for it: this call may clear the runs, and whatever
   * is not there then is lost.
   */
  add(key: string): void {
    this.#fresh.push(key)
    if (this.#fresh.length < this.#freshMax) return
    this.#sortFresh()
    if (this.#wasAsked) this.#work()
  }

  /** Notes that a key was removed: `isThere` already answers false for it. */
  remove(): void {
    this.#gone++
  }

  clear(): void {
    this.#runs = []
    this.#fresh = []
    this.#length = this.#gone = 0
    this.#rewrite = this.#clearing = undefined
  }

  /**
   * Keys with from ≤ key < to, in order, each once: those of the set, and perhaps some that were removed. The
   * caller finds these missing when it looks them up. The set must not change meanwhile.
   */
  *range(from: string, to: string | undefined): Generator<string> {
    this.#wasAsked = true
    if (this.#fresh.length > 0) this.#sortFresh()
    this.#work()
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
      if (key !== previous) yield key
      previous = key
    }
  }

  #sortFresh(): void {
    this.#moves += this.#fresh.length
    this.#length += this.#fresh.length
    this.#runs.push(this.#fresh.sort())
    this.#fresh = []
  }

  /** Merges and clears, up to {@link movesPerFresh} keys for each of `freshMax`. */
  #work(): void {
    for (let left = movesPerFresh * this.#freshMax; left > 0;) {
      const rewrite = (this.#rewrite ??= this.#next())
      if (!rewrite) return
      const moved = rewrite.run.move(left)
      left -= moved
      this.#moves += moved
      if (!rewrite.run.isDone) return
      this.#rewrite = undefined
      this.#replace(rewrite.index, rewrite.run)
    }
  }

  /** The next merge or clearing. Meanwhile new runs are added only at the end, so indexes stay valid. */
  #next(): { readonly index: number; readonly run: RunRewrite } | undefined {
    const runs = this.#runs
    if (!this.#clearing && this.#gone > this.#goneMin && this.#gone * 2 > this.#length)
      this.#clearing = { next: 0, gone: this.#gone }
    if (this.#clearing) {
      const { next, gone } = this.#clearing
      if (next < runs.length) return { index: next, run: new RunRewrite([runs[next]!], this.#isThere) }
      this.#clearing = undefined
      this.#gone = Math.max(0, this.#gone - gone)
    }
    for (let index = runs.length - 2; index >= 0; index -= 1) {
      const older = runs[index]!
      const younger = runs[index + 1]!
      if (younger.length * 2 >= older.length && older.length + younger.length <= this.#runLengthMax)
        return { index, run: new RunRewrite([older, younger]) }
    }
    return undefined
  }

  #replace(index: number, { sources, result, twice }: RunRewrite): void {
    this.#runs.splice(index, sources.length, ...(result.length > 0 ? [result] : []))
    for (const { length } of sources) this.#length -= length
    this.#length += result.length
    this.#gone = Math.max(0, this.#gone - twice)
    if (this.#clearing && result.length > 0) this.#clearing.next += 1
  }
}

/** The index of the first of the sorted `keys` at or after `from`. */
export function firstFrom(keys: readonly string[], from: string): number {
  return firstWhere(keys.length, n => keys[n]! >= from)
}
