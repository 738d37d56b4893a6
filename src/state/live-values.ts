/**
 * The values of a state that are in memory as objects: all that have changed since the last commit, and a
 * bounded number of others. Which of those go first: the ones that have been clean for longest.
 */
import { RepeatedKeys } from './repeated-keys.ts'

/** The value of one entry as an object. */
export class Live<V> {
  /** Its number in the entry. */
  readonly number: number
  namespace = 0
  /** Undefined: it belongs to no entry. */
  key: string | undefined
  /** The place of its entry; 0 for none. */
  place = 0
  /** Undefined: deleted. */
  value: V | undefined
  /** Its place in the list of those that have changed since the last commit's changes were collected. */
  dirtyAt = -1
  /** Whether the commit in progress stores it. */
  isPending = false
  isQueued = false
  /** Whether it may be found by its key. */
  isRepeated = false
  /** Its share of the dirty bytes. */
  bytes = 0

  constructor(number: number) {
    this.number = number
  }

  get isDirty(): boolean {
    return this.dirtyAt >= 0
  }
}

/** Objects without an entry that are kept for the next values, for each clean value that may stay. */
const unusedPerClean = 2
/** The queue is cut once more than this many places at its front are empty. */
const emptyMin = 1024

export class LiveValues<V> {
  readonly #cleanMax: number
  /** By number; 0 is left out. Undefined: the number is free. */
  readonly #all: (Live<V> | undefined)[] = [undefined]
  readonly #freeNumbers: number[] = []
  /** Those that belong to no entry. More of them, after a burst of changes, are left to the collector. */
  readonly #unused: Live<V>[] = []
  /** Those that became clean, oldest first, from #head on. Some have changed since. */
  #queue: Live<V>[] = []
  #head = 0
  readonly #repeated = new RepeatedKeys<V>()
  /** The value that was looked up last: an operator reads an entry before it writes it. */
  #last: Live<V> = new Live<V>(0)

  /** @param cleanMax how many clean values stay; at least the one that was looked up last */
  constructor(cleanMax: number) {
    this.#cleanMax = Math.max(1, cleanMax)
  }

  /** Objects in memory, for tests that bound them. */
  get count(): number {
    return this.#all.length - 1 - this.#freeNumbers.length
  }

  get(number: number): Live<V> {
    return this.#all[number]!
  }

  /** The live value of a key, if that can be found without the key's entry. */
  find(namespace: number, key: string): Live<V> | undefined {
    if (isOf(this.#last, namespace, key)) return this.#last
    const live = this.#repeated.get(namespace, key)
    if (live) this.#last = live
    return live
  }

  /** The value with this number was looked up, once more. */
  again(number: number): Live<V> {
    const live = this.#all[number]!
    live.isRepeated = true
    this.#repeated.add(live)
    return (this.#last = live)
  }

  /** For the entry of a key at a place. */
  add(place: number, namespace: number, key: string, value: V | undefined): Live<V> {
    const live = this.#unused.pop() ?? this.#another()
    live.namespace = namespace
    live.key = key
    live.place = place
    live.value = value
    return (this.#last = live)
  }

  /** It belongs to no entry any more. */
  release(live: Live<V>): void {
    if (live.isRepeated) this.#repeated.remove(live)
    live.isRepeated = false
    live.key = undefined
    live.place = 0
    live.value = undefined
    if (!live.isQueued) this.#discard(live)
  }

  /** It has become clean. */
  queue(live: Live<V>): void {
    if (live.isQueued) return
    live.isQueued = true
    this.#queue.push(live)
  }

  /** The next clean one that must be released; undefined if there is room for all. */
  excess(): Live<V> | undefined {
    while (this.#queue.length - this.#head > this.#cleanMax) {
      const oldest = this.#queue[this.#head++]!
      oldest.isQueued = false
      if (oldest.place === 0) this.#discard(oldest)
      else if (!oldest.isDirty && !oldest.isPending) return oldest
    }
    if (this.#head > emptyMin && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    return undefined
  }

  #another(): Live<V> {
    const number = this.#freeNumbers.pop() ?? this.#all.length
    return (this.#all[number] = new Live<V>(number))
  }

  #discard(live: Live<V>): void {
    if (this.#unused.length < unusedPerClean * this.#cleanMax) {
      this.#unused.push(live)
      return
    }
    this.#all[live.number] = undefined
    this.#freeNumbers.push(live.number)
  }
}

function isOf(live: Live<unknown>, namespace: number, key: string): boolean {
  return live.namespace === namespace && live.key === key
}
