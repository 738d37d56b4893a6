/**
 * The seam for files: the log talks to a {@link Disk} and never to `node:fs`, so that a simulated disk can
 * fail calls, fill up, and on a crash drop, tear and reorder whatever was not synced
 * (`testing/simulated-disk`).
 *
 * What callers may rely on, and all they may rely on:
 * - bytes are durable after {@link DiskFile.sync} returned; the name of a file that was created, renamed or
 *   removed is durable after {@link Disk.syncDirectory} of its folder returned;
 * - a write may come back short without an error when the disk is full (see reliability notes): callers check
 *   the count;
 * - a failed sync says nothing about what is on disk: never retry it.
 * Errors are Node's system errors (`code` is `ENOENT`, `ENOSPC`, `EIO`, `EMFILE`, …).
 */

export interface DiskFile {
  /**
   * Writes all `buffers` one after the other at `position`; resolves to the number of bytes written, which
   * may be short.
   */
  write(buffers: readonly Uint8Array[], position: number): Promise<number>
  /**
   * Fills `buffer` from `position`; resolves to the number of bytes read, short only at the end of the file.
   */
  read(buffer: Uint8Array, position: number): Promise<number>
  /** fdatasync. */
  sync(): Promise<void>
  truncate(size: number): Promise<void>
  size(): Promise<number>
  /**
   * Whether the file still stands under the path that it was opened by. False once the file, or a folder
   * above it, was removed, moved or replaced: what is written from then on, nobody finds. Cheap enough to be
   * asked after each sync.
   */
  isInPlace(): boolean
  close(): Promise<void>
}

export interface Disk {
  /**
   * `read`: existing file, reading. `write`: existing file, both ways. `create`: new or emptied file, both
   * ways.
   */
  open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile>
  /** Creates the folder and its missing parents, durably; existing is fine. */
  makeDirectory(path: string): Promise<void>
  /** The names in a folder, sorted. */
  list(path: string): Promise<string[]>
  exists(path: string): Promise<boolean>
  rename(from: string, to: string): Promise<void>
  /** Removes a file, or a folder with all that is in it; nothing there is fine. */
  remove(path: string): Promise<void>
  /** Makes the names in a folder durable. */
  syncDirectory(path: string): Promise<void>
  /**
   * Takes the exclusive lock that `path` stands for, held until released or until the process ends, however
   * it ends. When another holder has it, resolves to what that one wrote as `holder` (a process id and a
   * start time, say).
   */
  lock(path: string, holder: string): Promise<{ release(): Promise<void> } | { heldBy: string }>
  /**
   * How many files the process may have open at a time, sockets and all; undefined where the system does not
   * say.
   */
  openFilesMax(): Promise<number | undefined>
}
