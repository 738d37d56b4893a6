/**
 * Open files, shared by all partitions of a directory, and bounded: the one that was used least recently is
 * closed for the next one. So ten thousand partitions do not need ten thousand descriptors. A lack of
 * descriptors (EMFILE) leads to a retry, not to damage.
 *
 * A file with unsynced writes is **pinned**: it is synced before it is closed, because the kernel reports a
 * write error only to descriptors that were open at the time. If that sync fails, every present and later
 * user of the file gets the error. The kernel reports it to one sync only: the next sync would succeed
 * without the lost pages.
 */
import { assert } from '../../base/index.ts'
import type { Disk, DiskFile } from '../../base/index.ts'

interface Entry {
  readonly path: string
  readonly writable: boolean
  file: Promise<DiskFile>
  /** The same, once it is open: an action on it begins in the call. */
  opened: DiskFile | undefined
  users: number
  /** Writes since the last sync that covered them all. */
  pins: number
  /** A sync before its closing is in progress. */
  releasing: Promise<void> | undefined
  /** Closed by the last user. */
  dropped: boolean
}

export class OpenFiles {
  readonly #disk: Disk
  readonly #filesMax: number
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>()
  readonly #closing = new Set<Promise<void>>()
  /** Files whose sync before closing is in progress. */
  #syncing = 0
  /** Syncs that failed before a file was closed, by path. */
  readonly #failures = new Map<string, unknown>()
  #isClosed = false

  constructor(disk: Disk, filesMax: number) {
    this.#disk = disk
    this.#filesMax = filesMax
  }

  /** Calls `action` with the open file, which stays open at least until it ends. */
  async use<T>(path: string, mode: 'read' | 'write', action: (file: DiskFile) => Promise<T>): Promise<T> {
    this.#check(path)
    const entry = this.#entry(path, mode)
    entry.users += 1
    try {
      const result = await action(entry.opened ?? (await entry.file))
      if (mode === 'write') {
        if (entry.releasing) await entry.releasing
        this.#check(path)
      }
      return result
    } finally {
      entry.users -= 1
      if (entry.dropped) void this.#closeUnused(entry)
      else if (this.#isClosed) void this.#drop(entry)
      else this.#makeRoom()
    }
  }

  /**
   * The file has writes that no sync has covered. Until {@link unpin} the file is synced before it is closed.
   */
  pin(path: string): void {
    const entry = this.#entries.get(path)
    assert(entry, 'a file is pinned while it is used')
    entry.pins += 1
  }

  unpin(path: string): void {
    const entry = this.#entries.get(path)
    if (entry) entry.pins = 0
  }

  /** Closes the file once nobody uses it: it is about to be removed, renamed or left alone for good. */
  async drop(path: string): Promise<void> {
    const entry = this.#entries.get(path)
    this.#failures.delete(path)
    if (entry) await this.#drop(entry)
  }

  /** Drops every file in this folder, which is gone: a new folder of its name must not get them. */
  async dropFolder(folder: string): Promise<void> {
    const paths = [...this.#entries.keys(), ...this.#failures.keys()]
    await Promise.all(paths.filter(path => path.startsWith(`${folder}/`)).map(path => this.drop(path)))
  }

  /** Reads that are in progress may still open files: those are closed after their use. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const entry of this.#entries.values()) void this.#drop(entry)
    await Promise.all(this.#closing)
  }

  /**
   * Closes the least recently used file that is not in use; one that needs a sync first only where no other
   * is left.
   */
  async spare(): Promise<boolean> {
    const entry = this.#leastUsed(0) ?? this.#leastUsed(Infinity)
    if (!entry) return false
    await this.#release(entry)
    return true
  }

  #check(path: string): void {
    if (this.#failures.size > 0 && this.#failures.has(path)) throw this.#failures.get(path)
  }

  #entry(path: string, mode: 'read' | 'write'): Entry {
    const found = this.#entries.get(path)
    this.#entries.delete(path)
    if (found && (found.writable || mode === 'read')) {
      this.#entries.set(path, found)
      return found
    }
    if (found) void this.#drop(found)
    const entry: Entry = {
      path,
      writable: mode === 'write',
      file: this.#disk.open(path, mode),
      opened: undefined,
      users: 0,
      pins: 0,
      releasing: undefined,
      dropped: false,
    }
    this.#entries.set(path, entry)
    entry.file.then(
      file => (entry.opened = file),
      () => {
        if (this.#entries.get(path) === entry) this.#entries.delete(path)
      },
    )
    return entry
  }

  #makeRoom(): void {
    for (let excess = this.#entries.size - this.#syncing - this.#filesMax; excess > 0; excess -= 1) {
      const entry = this.#leastUsed(0) ?? this.#leastUsed(Infinity)
      if (!entry) return
      void this.#release(entry)
    }
  }

  /** Among unused files with at most this many writes since their sync. */
  #leastUsed(pinsMax: number): Entry | undefined {
    for (const entry of this.#entries.values()) if (entry.users === 0 && entry.pins <= pinsMax) return entry
    return undefined
  }

  /** Closes an unused file once it is synced, unless it is used again meanwhile. */
  async #release(entry: Entry): Promise<void> {
    if (entry.pins > 0) {
      entry.users += 1
      this.#syncing += 1
      entry.releasing = this.#syncBeforeClosing(entry)
      await entry.releasing
      entry.releasing = undefined
      entry.users -= 1
      this.#syncing -= 1
      if (entry.dropped) return this.#closeUnused(entry)
      if (!this.#failures.has(entry.path) && (entry.users > 0 || entry.pins > 0)) return
    }
    await this.#drop(entry)
  }

  async #syncBeforeClosing(entry: Entry): Promise<void> {
    const { pins, path } = entry
    try {
      await (await entry.file).sync()
      if (entry.pins === pins) entry.pins = 0
    } catch (error) {
      this.#failures.set(path, error)
    }
  }

  #drop(entry: Entry): Promise<void> {
    if (this.#entries.get(entry.path) === entry) this.#entries.delete(entry.path)
    entry.dropped = true
    return this.#closeUnused(entry)
  }

  /** Resolves when the file is closed, or at once if it is in use: then its last user closes it. */
  #closeUnused(entry: Entry): Promise<void> {
    if (entry.users > 0) return Promise.resolve()
    // Closing can report no new error: a pinned file is synced before it is dropped.
    const closing = entry.file
      .then(file => file.close())
      .catch(() => undefined)
      .finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
    return closing
  }
}
