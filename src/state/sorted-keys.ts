/**
 * The order of a set of strings, worked out in pieces.
 *
 * New keys are collected unsorted; every {@link freshMax} of them, and those that are there when somebody
 * asks, are sorted into a **run**. A run is merged with the one before it once it is half as long, so that
 * there are few, until they are `runLengthMax` long. Keys that have gone stay in their run, and readers pass
 * over them, until they are the larger part: then all runs are cleared of them, one after the other.
 *
 * Merging and clearing make a new run beside the old ones, which serve until it is complete; so no call moves
 * more than {@link movesMax} keys. Before the first question nothing is merged: a set of which nobody asks
 * the order costs little.
 *
 * Measured against a B+ tree with a million keys (Node 26): a write to a hash map and its share of the
 * sorting take half the time of an insertion, and a write to a key that is there already, the common case, 40
 * %.
 */
import { firstWhere } from '../base/index.ts'
import { RunRewrite } from './run-rewrite.ts'

/** So many new keys are sorted at once, in a few milliseconds. */
export const freshMax: number = 2 ** 14
/**
 * Keys that one call moves from old runs to a new one. Four for each new key: each is merged a few times on
 * its way into a long run.
 */
export const movesMax: number = 4 * freshMax
/** Fewer gone keys than this are not worth the work. */
const goneMin = 4096

export class SortedKeys {
  readonly #isThere: (key: string) => boolean
  readonly #runLengthMax: number
  /** Sorted, oldest first; a key that has gone and come again may be in two of them. */
  #runs: string[][] = []
  #fresh: string[] = []
  #wasAsked = false
  /** Keys in runs. */
  #length = 0
  /** How many of them have gone, at most. */
  #gone = 0
  /** The new run that is being made, from those at `index`. */
  #rewrite: { readonly index: number; readonly run: RunRewrite } | undefined
  /** While the runs are cleared of gone keys: the next one, and how many had gone in the beginning. */
  #clearing: { next: number; readonly gone: number } | undefined
  #moves = 0

  /** @param isThere whether a key that was added is still in the set */
  constructor(isThere: (key: string) => boolean, runLengthMax: number = 2 ** 20) {
    this.#isThere = isThere
    this.#runLengthMax = runLengthMax
  }

  /**
   * Keys that were sorted, merged or passed while clearing, so far: for tests that bound what one call does.
   */
  get moves(): number {
    return this.#moves
  }

  /** The key has come into the set. */
  add(key: string): void {
    this.#fresh.push(key)
    if (this.#fresh.length < freshMax) return
    this.#sortFresh()
    if (this.#wasAsked) this.#work()
  }

  /** A key has left the set: `isThere` says so by now. */
  remove(): void {
    this.#gone++
  }

  clear(): void {
    this.#runs = []
    this.#fresh = []
    this.#length = this.#gone = 0
    this.#rewrite = this.#clearing = undefined
  }

  /** Keys that are there, with from ≤ key < to, in order. The set must not change meanwhile. */
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
      if (key !== previous && this.#isThere(key)) yield key
      previous = key
    }
  }

  #sortFresh(): void {
    this.#moves += this.#fresh.length
    this.#length += this.#fresh.length
    this.#runs.push(this.#fresh.sort())
    this.#fresh = []
  }

  /** Merges and clears for a while. */
  #work(): void {
    for (let left = movesMax; left > 0;) {
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

  /** The next step. New runs come only at the end meanwhile, so indexes stay valid. */
  #next(): { readonly index: number; readonly run: RunRewrite } | undefined {
    const runs = this.#runs
    if (!this.#clearing && this.#gone > goneMin && this.#gone * 2 > this.#length)
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
