/**
 * The folders of the partitions in a data directory. One is made under another name and gets its own when it
 * is complete; one is removed under another name as well. So a folder with a partition's name is complete.
 * Leftovers of an interruption have other names, and the next start removes them.
 */
import { SerialQueue, type Disk, systemCode } from '../../base/index.ts'
import { diskError } from './disk-errors.ts'
import {
  deletedFolder,
  isLeftOver,
  newFolder,
  parsePartitionFolder,
  parseSegmentFile,
  partitionConfigName,
} from './file-names.ts'
import type { OpenFiles } from './open-files.ts'
import { encodePartitionConfig, type PartitionConfig } from './partition-config.ts'
import { removeIfThere, writeFile } from './small-file.ts'

export class PartitionFolders {
  readonly #path: string
  readonly #disk: Disk
  readonly #files: OpenFiles
  /**
   * Names that may have leftovers: of a creation that failed after it had named its folder, or of a deletion
   * that failed before it had moved the folder.
   */
  readonly #unfinished = new Set<string>()
  readonly #syncs = new SerialQueue()
  /** A sync that has not begun. */
  #nextSync: Promise<void> | undefined
  /** Number of folders that were made or moved, so that no two get one name. */
  #marked = 0

  constructor(path: string, disk: Disk, files: OpenFiles) {
    this.#path = path
    this.#disk = disk
    this.#files = files
  }

  /** Names of partitions, as folders or perhaps files have them; `only` selects some. */
  async list(only: (topic: string, index: number) => boolean = () => true): Promise<string[]> {
    const names = await this.#disk.list(this.#path)
    return names.filter(name => {
      const partition = parsePartitionFolder(name)
      return partition && only(partition.topic, partition.index)
    })
  }

  /** Bytes of the segments in the folder of a partition, without their indexes. */
  async recordBytes(folder: string): Promise<number> {
    let bytes = 0
    for (const name of await this.#disk.list(folder))
      if (parseSegmentFile(name)?.extension === 'log')
        bytes += (await this.#disk.stat(`${folder}/${name}`))?.size ?? 0
    return bytes
  }

  /** Removes the leftovers of interrupted creations and deletions. */
  async removeLeftOvers(): Promise<void> {
    for (const name of await this.#disk.list(this.#path))
      if (isLeftOver(name)) await removeIfThere(this.#disk, `${this.#path}/${name}`)
  }

  /**
   * Makes the folder of a partition; `makeFiles` fills it. Durable when this resolves.
   * @throws MillraceError DISK_FULL, DISK_FAILED, LIMIT_EXCEEDED
   */
  async make(
    name: string,
    config: PartitionConfig,
    makeFiles: (folder: string) => Promise<void>,
  ): Promise<string> {
    const folder = `${this.#path}/${name}`
    const aside = `${this.#path}/${newFolder(name, (this.#marked += 1))}`
    try {
      await this.#disk.makeDirectory(aside)
      await writeFile(this.#disk, `${aside}/${partitionConfigName}`, encodePartitionConfig(config))
      await makeFiles(aside)
      await this.#disk.syncDirectory(aside)
      if (this.#unfinished.has(name)) await removeIfThere(this.#disk, folder)
      this.#unfinished.add(name)
      await this.#disk.rename(aside, folder)
      await this.#syncNames()
      this.#unfinished.delete(name)
      return folder
    } catch (error) {
      // The next start removes files that cannot be removed now.
      await removeIfThere(this.#disk, aside).catch(() => undefined)
      throw diskError(error, `making ${folder}`)
    }
  }

  /** Takes the name from the folder of a partition, durably. Gives the folder to remove. */
  async moveAside(name: string): Promise<string> {
    const folder = `${this.#path}/${name}`
    const aside = `${this.#path}/${deletedFolder(name, (this.#marked += 1))}`
    this.#unfinished.add(name)
    await this.#disk.rename(folder, aside)
    // Also files that recovery of a damaged partition, or late readers, have open.
    await this.#files.dropFolder(folder)
    await this.#syncNames()
    this.#unfinished.delete(name)
    return aside
  }

  /** Removes the leftovers of a failed creation or deletion under this name. */
  async removeUnfinished(name: string): Promise<void> {
    if (!this.#unfinished.has(name)) return
    try {
      await removeIfThere(this.#disk, `${this.#path}/${name}`)
      await this.#syncNames()
      this.#unfinished.delete(name)
    } catch (error) {
      throw diskError(error, `removing ${this.#path}/${name}`)
    }
  }

  /** Makes the names of folders durable. Calls that wait for an earlier one share the next. */
  #syncNames(): Promise<void> {
    return (this.#nextSync ??= this.#syncs.run(() => {
      this.#nextSync = undefined
      return this.#disk.syncDirectory(this.#path)
    }))
  }

  /** False for a file with a partition's name. */
  async isFolder(name: string): Promise<boolean> {
    try {
      await this.#disk.list(`${this.#path}/${name}`)
      return true
    } catch (error) {
      const code = systemCode(error)
      if (code !== 'ENOTDIR' && code !== 'ENOENT') throw error
      return false
    }
  }
}
