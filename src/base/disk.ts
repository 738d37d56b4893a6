/**
 * The seam for files: the log uses a {@link Disk} and never `node:fs`. So a simulated disk can fail calls and
 * fill up. On a crash it can drop, tear and reorder writes that were not synced (`testing/simulated-disk`).
 *
 * Callers may rely on this, and on nothing else:
 * - bytes are durable after {@link DiskFile.sync} returned; the name of a file that was created, renamed or
 *   removed is durable after {@link Disk.syncDirectory} of its folder returned;
 * - a write to a full disk may be short without an error: callers check the count;
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
   * Whether the file is still at the path that it was opened by. False once the file, or a folder above it,
   * was removed, moved or replaced: nobody finds later writes. Cheap enough to call after each sync. A file
   * that was only read answers, too, and one that is closed.
   */
  isInPlace(): boolean
  close(): Promise<void>
}

/** A file or folder, without opening it. */
export interface DiskStat {
  /** Bytes of a file; without meaning for a folder. */
  readonly size: number
  /**
   * Another text after any change: of a file's bytes or size, of the names in a folder, or when something
   * else took the place. Equal texts prove that nothing changed; different ones prove nothing.
   */
  readonly version: string
}

/** The device that a folder is on. */
export interface DiskSpace {
  readonly totalBytes: number
  /** What more files may take. */
  readonly usableBytes: number
}

export interface Disk {
  /**
   * `read`: existing file, reading. `write`: existing file, both ways. `create`: new or emptied file, both
   * ways.
   */
  open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile>
  /** Creates the folder and its missing parents, durably. An existing folder is fine. */
  makeDirectory(path: string): Promise<void>
  /** The names in a folder, sorted. */
  list(path: string): Promise<string[]>
  exists(path: string): Promise<boolean>
  /** Undefined: it is missing. */
  stat(path: string): Promise<DiskStat | undefined>
  rename(from: string, to: string): Promise<void>
  /** Removes a file, or a folder with its content. A missing one is fine. */
  remove(path: string): Promise<void>
  /** Makes the names in a folder durable. */
  syncDirectory(path: string): Promise<void>
  /**
   * Takes the exclusive lock at `path`, held until it is released or the process ends, however it ends. If
   * another holder has it, resolves to the text that this holder wrote (a process id and a start time, say).
   */
  lock(path: string, holder: string): Promise<{ release(): Promise<void> } | { heldBy: string }>
  /** How much room there is at an existing path. Undefined where the system does not tell. */
  space(path: string): Promise<DiskSpace | undefined>
  /**
   * How many files the process may have open at a time, sockets included. Undefined where the system does not
   * tell.
   */
  openFilesMax(): Promise<number | undefined>
}
