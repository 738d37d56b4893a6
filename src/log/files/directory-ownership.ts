/**
 * The ownership of a data directory, from its opening to its closing: the lock, the mark of millrace, and the
 * marker of a clean stop.
 *
 * The clean marker is removed durably before anything else changes, and written last. So a marker that is
 * found proves an undisturbed stop. A kill at any point in between is an unclean stop.
 */
import { fromUtf8, utf8, type Clock, type Disk, type DiskFile } from '../../base/index.ts'
import { checkPlace } from './file-place.ts'
import { lockDirectory, type DirectoryLock } from './directory-lock.ts'
import { claimDirectory } from './directory-mark.ts'
import { cleanMarkerName, directoryMarkName } from './file-names.ts'
import { readFile, removeIfThere, replaceFile } from './small-file.ts'

/**
 * The content of the clean marker, with the checksum of the `clean-stop` file unless an older version wrote
 * it. Any other content does not prove a clean stop.
 */
const cleanMarker = /^\{"version":0(?:,"stop":"([0-9a-f]{8})")?\}$/

/** How the directory was left. */
export interface LastStop {
  readonly clean: boolean
  /** Of the `clean-stop` file of that stop. */
  readonly checksum: string | undefined
}

export class DirectoryOwnership {
  readonly #path: string
  readonly #clock: Clock
  #lock: DirectoryLock | undefined
  /** Held open, to notice that another directory has taken its place. */
  #mark: DiskFile | undefined

  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
  }

  /**
   * Takes the directory, and creates a missing one.
   * @throws MillraceError DATA_DIR_IN_USE, DATA_DIR_FOREIGN, DATA_DIR_UNREADABLE
   */
  async take(disk: Disk): Promise<LastStop> {
    if (!(await disk.exists(this.#path))) await disk.makeDirectory(this.#path)
    this.#lock = await lockDirectory(disk, this.#clock, this.#path)
    await claimDirectory(disk, this.#path, false)
    this.#mark = await disk.open(`${this.#path}/${directoryMarkName}`, 'write')
    const marker = await readFile(disk, `${this.#path}/${cleanMarkerName}`)
    if (marker) await removeIfThere(disk, `${this.#path}/${cleanMarkerName}`)
    // The last renames of a killed process can still be lost with the power. Checkpoints decide about the
    // removal of files, so their names are synced first.
    await disk.syncDirectory(this.#path)
    return stopOf(marker)
  }

  /** Looks at a directory without taking it. */
  async look(disk: Disk): Promise<LastStop> {
    await claimDirectory(disk, this.#path, true)
    return stopOf(await readFile(disk, `${this.#path}/${cleanMarkerName}`))
  }

  /** Throws if another directory has taken the place of the one that was opened. */
  checkPlace(): void {
    if (this.#mark) checkPlace(this.#mark, this.#path)
  }

  /** Marks the stop as clean, with the checksum of its `clean-stop` file. Durable when this resolves. */
  async markClean(disk: Disk, checksum: string): Promise<void> {
    const text = `{"version":0,"stop":"${checksum}"}`
    await replaceFile(disk, this.#path, cleanMarkerName, fromUtf8(text))
  }

  async release(): Promise<void> {
    const lock = this.#lock
    this.#lock = undefined
    const mark = this.#mark
    this.#mark = undefined
    await mark?.close()
    await lock?.release()
  }
}

function stopOf(marker: Uint8Array | undefined): LastStop {
  const found = marker && cleanMarker.exec(utf8(marker))
  return { clean: Boolean(found), checksum: found?.[1] }
}
