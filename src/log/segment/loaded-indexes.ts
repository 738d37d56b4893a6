/**
 * Indexes of segments that are in memory for look-ups, shared by all partitions of a directory, and bounded:
 * what was used least recently is forgotten for what is loaded next. A forgotten index is read from its file
 * when it is needed again.
 *
 * Indexes of segments that are being written are not here: they hold entries that no file has yet. Each is
 * bounded by `segment.index.bytes`, and each partition has one.
 */

/** What an index costs in memory beside its entries. */
const overheadBytes = 512

/** A segment whose indexes are in memory. */
export interface IndexOwner {
  /** The indexes are no longer counted, and must not be kept. */
  forgetIndexes(): void
}

export class LoadedIndexes {
  readonly #bytesMax: number
  /** Bytes by owner, least recently used first. */
  readonly #owners = new Map<IndexOwner, number>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Bytes that are in memory now; never more than the bound. */
  get bytes(): number {
    return this.#bytes
  }

  /** Segments whose indexes are in memory. */
  get count(): number {
    return this.#owners.size
  }

  /**
   * The owner keeps indexes of so many bytes. Others are forgotten for them; if they alone exceed the bound,
   * they are forgotten too.
   */
  add(owner: IndexOwner, bytes: number): void {
    this.remove(owner)
    this.#owners.set(owner, bytes + overheadBytes)
    this.#bytes += bytes + overheadBytes
    for (const [oldest] of this.#owners) {
      if (this.#bytes <= this.#bytesMax) return
      this.remove(oldest)
      oldest.forgetIndexes()
    }
  }

  /** The indexes of this owner are used: others are forgotten first. */
  used(owner: IndexOwner): void {
    const bytes = this.#owners.get(owner)
    if (bytes === undefined) return
    this.#owners.delete(owner)
    this.#owners.set(owner, bytes)
  }

  /** The owner keeps its indexes for itself, or has none any more. */
  remove(owner: IndexOwner): void {
    this.#bytes -= this.#owners.get(owner) ?? 0
    this.#owners.delete(owner)
  }
}
