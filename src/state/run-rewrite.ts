/** A sorted run that is made from one or two others, in pieces: see sorted-keys.ts. */

export class RunRewrite {
  /** One run to clear, or an older and a younger one to merge. They do not change. */
  readonly sources: readonly (readonly string[])[]
  readonly result: string[] = []
  /** Keys that were in both runs: each was removed and added again. */
  twice = 0
  readonly #keep: ((key: string) => boolean) | undefined
  readonly #older: readonly string[]
  readonly #younger: readonly string[]
  #i = 0
  #j = 0

  constructor(sources: readonly (readonly string[])[], keep?: (key: string) => boolean) {
    this.sources = sources
    this.#older = sources[0] ?? []
    this.#younger = sources[1] ?? []
    this.#keep = keep
  }

  get isDone(): boolean {
    return this.#i === this.#older.length && this.#j === this.#younger.length
  }

  /** Takes about `count` keys from the sources, and returns how many it took. */
  move(count: number): number {
    const older = this.#older
    const younger = this.#younger
    const { result } = this
    const keep = this.#keep
    let i = this.#i
    let j = this.#j
    const before = i + j
    const end = before + count
    while (i < older.length && j < younger.length && i + j < end) {
      const left = older[i]!
      const right = younger[j]!
      if (left < right) {
        result.push(left)
        i++
      } else {
        if (left === right) {
          i++
          this.twice++
        }
        result.push(right)
        j++
      }
    }
    while (j === younger.length && i < older.length && i + j < end) {
      const key = older[i++]!
      if (!keep || keep(key)) result.push(key)
    }
    while (i === older.length && j < younger.length && i + j < end) result.push(younger[j++]!)
    this.#i = i
    this.#j = j
    return i + j - before
  }
}
