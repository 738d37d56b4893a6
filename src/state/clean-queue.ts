/**
 * The order in which a state's cached entries are evicted: clean ones only, in the order in which they became
 * clean. An entry that has changed since then stays, and is queued again when it is clean again.
 */
import type { Entry } from './cached-entries.ts'

/** The array is cut once more than this many places at its front are empty. */
const emptyMin = 1024

export class CleanQueue<V> {
  readonly #entriesMax: number
  /** Oldest first, from #head on. */
  #entries: Entry<V>[] = []
  #head = 0

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax
  }

  /** Queues an entry that has become clean. */
  add(entry: Entry<V>): void {
    if (entry.queued) return
    entry.queued = true
    this.#entries.push(entry)
  }

  /** Takes the next entry to evict; undefined if there is room for all. */
  takeExcess(): Entry<V> | undefined {
    while (this.#entries.length - this.#head > this.#entriesMax) {
      const oldest = this.#entries[this.#head++]!
      oldest.queued = false
      if (!oldest.dirty && oldest.pending === undefined) return oldest
    }
    if (this.#head > emptyMin && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head)
      this.#head = 0
    }
    return undefined
  }

  clear(): void {
    this.#entries = []
    this.#head = 0
  }
}
