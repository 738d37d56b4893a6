/**
 * An index from hashes to places, by extendible hashing (Fagin and others, 1979).
 *
 * A directory has a place for each combination of the first `depth` bits of a hash. Several of them may share
 * a page. Within a page, a hash is found from its last bits on (linear probing). A page that fills up
 * doubles, up to `pageSlotsMax`; then it is split in two by the next bit. So no call moves more than a page,
 * however many entries there are.
 */
import { assert } from '../base/index.ts'

/** Slots of a new page. A power of two, as all sizes of pages. */
const pageSlotsMin = 8
/** A page of so many slots is split, and not doubled: about a millisecond of work. */
const pageSlotsMaxDefault = 2 ** 15
/**
 * Bits of a hash that choose the page, at the most. Pages whose hashes are equal in all of them double
 * without a bound.
 */
const depthMax = 16

class Page {
  /** How many first bits the hashes of this page have in common. */
  depth: number
  /** Pairs of a hash and a place; place 0: the slot is empty. */
  slots: Int32Array
  mask: number
  count = 0

  constructor(depth: number, slots: number) {
    this.depth = depth
    this.slots = new Int32Array(2 * slots)
    this.mask = slots - 1
  }

  add(hash: number, place: number): void {
    const { slots, mask } = this
    let slot = hash & mask
    while (slots[2 * slot + 1] !== 0) slot = (slot + 1) & mask
    slots[2 * slot] = hash
    slots[2 * slot + 1] = place
    this.count += 1
  }

  /** The slot of an entry that is in this page. */
  slotOf(hash: number, place: number): number {
    const { slots, mask } = this
    let slot = hash & mask
    for (let found; (found = slots[2 * slot + 1]) !== place; slot = (slot + 1) & mask)
      assert(found !== 0, 'the index has the entry')
    return slot
  }

  /** Empties a slot, and closes the gap: entries that were probed past it move back. */
  empty(slot: number): void {
    const { slots, mask } = this
    let gap = slot
    for (let at = (slot + 1) & mask; slots[2 * at + 1] !== 0; at = (at + 1) & mask) {
      const home = slots[2 * at]! & mask
      if (((at - home) & mask) < ((at - gap) & mask)) continue
      slots[2 * gap] = slots[2 * at]!
      slots[2 * gap + 1] = slots[2 * at + 1]!
      gap = at
    }
    slots[2 * gap + 1] = 0
    this.count -= 1
  }
}

/** Several entries may have one hash. A place is a positive 32-bit integer. */
export class HashIndex {
  #depth = 1
  #directory: Page[] = [new Page(1, pageSlotsMin), new Page(1, pageSlotsMin)]
  /** Where {@link first} and {@link next} are. */
  #page: Page = this.#directory[0]!
  #slot = 0
  readonly #pageSlotsMax: number

  constructor(pageSlotsMax: number = pageSlotsMaxDefault) {
    assert((pageSlotsMax & (pageSlotsMax - 1)) === 0, 'the slots of a page are a power of two')
    this.#pageSlotsMax = pageSlotsMax
  }

  /** The place of the first entry with this hash; 0: there is none. The others follow by {@link next}. */
  first(hash: number): number {
    this.#page = this.#pageOf(hash)
    return this.#seek(hash, hash & this.#page.mask)
  }

  /** The next entry with the hash of {@link first}. */
  next(hash: number): number {
    return this.#seek(hash, (this.#slot + 1) & this.#page.mask)
  }

  add(hash: number, place: number): void {
    let page = this.#pageOf(hash)
    // Three quarters: with more, probing takes long.
    while (4 * (page.count + 1) > 3 * (page.mask + 1)) {
      this.#makeRoom(page)
      page = this.#pageOf(hash)
    }
    page.add(hash, place)
  }

  remove(hash: number, place: number): void {
    const page = this.#pageOf(hash)
    page.empty(page.slotOf(hash, place))
  }

  /** An entry has moved to another place. */
  moved(hash: number, from: number, to: number): void {
    const page = this.#pageOf(hash)
    page.slots[2 * page.slotOf(hash, from) + 1] = to
  }

  clear(): void {
    this.#depth = 1
    this.#directory = [new Page(1, pageSlotsMin), new Page(1, pageSlotsMin)]
  }

  #pageOf(hash: number): Page {
    return this.#directory[hash >>> (32 - this.#depth)]!
  }

  #seek(hash: number, from: number): number {
    const { slots, mask } = this.#page
    for (let slot = from; ; slot = (slot + 1) & mask) {
      const place = slots[2 * slot + 1]!
      if (place !== 0 && slots[2 * slot] !== hash) continue
      this.#slot = slot
      return place
    }
  }

  #makeRoom(page: Page): void {
    const slots = page.mask + 1
    if (slots < this.#pageSlotsMax || page.depth === depthMax) {
      const larger = new Page(page.depth, 2 * slots)
      forEachEntry(page, (hash, place) => larger.add(hash, place))
      page.slots = larger.slots
      page.mask = larger.mask
      return
    }
    if (page.depth === this.#depth) {
      this.#directory = this.#directory.flatMap(each => [each, each])
      this.#depth += 1
    }
    const depth = page.depth + 1
    const halves = [new Page(depth, slots), new Page(depth, slots)] as const
    let first = 0
    forEachEntry(page, (hash, place) => {
      const bits = hash >>> (32 - depth)
      first = bits & ~1
      halves[bits & 1]!.add(hash, place)
    })
    // The places of the directory whose first bits are the page's.
    const shared = 1 << (this.#depth - depth)
    for (let n = 0; n < 2 * shared; n += 1) this.#directory[first * shared + n] = halves[n < shared ? 0 : 1]
  }
}

function forEachEntry({ slots }: Page, visit: (hash: number, place: number) => void): void {
  for (let at = 0; at < slots.length; at += 2) if (slots[at + 1] !== 0) visit(slots[at]!, slots[at + 1]!)
}
