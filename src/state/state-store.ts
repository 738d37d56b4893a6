/**
 * StateStore: keeps the state of a task, sorted by key.
 *
 * Keys and values are bytes. Keys travel as **binary strings** (one char per byte, 0 to 255): they compare in
 * byte order with `<`, hash fast in a Map and take one byte per character on the heap.
 *
 * Obligations of the caller: one task uses a store; writes come only as one {@link apply} after a commit,
 * together with their changelog position. So the store always has the state as of exactly one commit.
 */
export interface StateStore {
  get(key: string): Uint8Array | undefined
  /**
   * Entries with from ≤ key < to (to undefined: no end), in key order. Writes while iterating are not
   * allowed.
   */
  range(from: string, to: string | undefined): Iterable<readonly [key: string, value: Uint8Array]>
  /** Keys with from ≤ key < to, in order, as {@link range}. */
  keys(from: string, to: string | undefined): Iterable<string>
  /**
   * Applies all of `writes` and remembers `position`, atomically if the store outlives the process. A value
   * of undefined deletes. Without a position the writes are a part of a commit, and more follow. The bytes of
   * a value are valid until the next one is asked for: the store copies them.
   */
  apply(
    writes: Iterable<readonly [key: string, value: Uint8Array | undefined]>,
    position: number | undefined,
  ): void
  /**
   * The changelog offset that the store has reached: it has all changes below that. Undefined for a store
   * that must be rebuilt.
   */
  readonly position: number | undefined
  /** Entries, for queries and for tests. */
  readonly size: number
  /** Removes everything; position is undefined afterwards. */
  clear(): void
  close(): void
}
