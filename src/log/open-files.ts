/**
 * Open files, shared by all partitions of a directory, and bounded: the one that was used least recently is closed for the next one.
 * So ten thousand partitions need no ten thousand descriptors, and running out of them (EMFILE) is a matter of trying again, not of damage.
 *
 * A file with unsynced writes is **pinned**: it stays open until it is synced, because a write error of the kernel's is reported to
 * the descriptors that were open at the time. Pinned files count, but are never closed to make room.
 */
import { assert } from '../base/index.ts'
import type { Disk, DiskFile } from '../base/index.ts'
import { systemCode } from './disk-errors.ts'

interface Entry {
  readonly path: string
  readonly writable: boolean
  file: Promise<DiskFile>
  /** The same, once it is open: an action on it begins in the call. */
  opened: DiskFile | undefined
  users: number
  pins: number
  /** Closed by the last user. */
  dropped: boolean
}

export class OpenFiles {
  readonly #disk: Disk
  readonly #filesMax: number
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>()
  readonly #closing = new Set<Promise<void>>()

  constructor(disk: Disk, filesMax: number) {
    this.#disk = disk
    this.#filesMax = filesMax
  }

  /** Calls `action` with the open file, which stays open at least until it ends. */
  async use<T>(path: string, mode: 'read' | 'write', action: (file: DiskFile) => Promise<T>): Promise<T> {
    const entry = this.#entry(path, mode)
    entry.users += 1
    try {
      return await action(entry.opened ?? (await entry.file))
    } finally {
      entry.users -= 1
      if (entry.dropped) this.#closeUnused(entry)
      else this.#makeRoom()
    }
  }

  /** Keeps the file open until {@link unpin}. */
  pin(path: string): void {
    const entry = this.#entries.get(path)
    assert(entry, 'a file is pinned while it is used')
    entry.pins = 1
  }

  unpin(path: string): void {
    const entry = this.#entries.get(path)
    if (entry) entry.pins = 0
  }

  /** Closes the file once nobody uses it: it is about to be removed, renamed or left alone for good. */
  async drop(path: string): Promise<void> {
    const entry = this.#entries.get(path)
    if (entry) this.#drop(entry)
    await Promise.all(this.#closing)
  }

  async close(): Promise<void> {
    for (const entry of this.#entries.values()) this.#drop(entry)
    await Promise.all(this.#closing)
  }

  #entry(path: string, mode: 'read' | 'write'): Entry {
    const found = this.#entries.get(path)
    this.#entries.delete(path)
    if (found && (found.writable || mode === 'read')) {
      this.#entries.set(path, found)
      return found
    }
    if (found) this.#drop(found)
    const entry: Entry = {
      path,
      writable: mode === 'write',
      file: this.#open(path, mode),
      opened: undefined,
      users: 0,
      pins: 0,
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

  async #open(path: string, mode: 'read' | 'write'): Promise<DiskFile> {
    try {
      return await this.#disk.open(path, mode)
    } catch (error) {
      const code = systemCode(error)
      if (code !== 'EMFILE' && code !== 'ENFILE') throw error
      // Others of this process hold them: give back all we can, and try once more.
      for (const entry of this.#entries.values()) if (isIdle(entry)) this.#drop(entry)
      await Promise.all(this.#closing)
      return await this.#disk.open(path, mode)
    }
  }

  #makeRoom(): void {
    let excess = this.#entries.size - this.#filesMax
    if (excess <= 0) return
    for (const entry of this.#entries.values()) {
      if (!isIdle(entry)) continue
      this.#drop(entry)
      excess -= 1
      if (excess === 0) return
    }
  }

  #drop(entry: Entry): void {
    if (this.#entries.get(entry.path) === entry) this.#entries.delete(entry.path)
    entry.dropped = true
    this.#closeUnused(entry)
  }

  #closeUnused(entry: Entry): void {
    if (entry.users > 0) return
    // Closing reports nothing that a sync has not: what is pinned is synced before it is dropped.
    const closing = entry.file
      .then(file => file.close())
      .catch(() => undefined)
      .finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
  }
}

function isIdle(entry: Entry): boolean {
  return entry.users === 0 && entry.pins === 0
}
