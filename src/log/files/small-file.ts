/**
 * Files small enough to be read and replaced as a whole. Every error of the disk becomes a MillraceError that
 * names the file: DISK_FULL, DISK_FAILED, LIMIT_EXCEEDED, DATA_DIR_UNREADABLE.
 */
import { type Disk, type DiskFile, systemCode } from '../../base/index.ts'
import { diskError, diskFull } from './disk-errors.ts'

/** Everything in the file; undefined when it is not there. */
export async function readFile(disk: Disk, path: string): Promise<Buffer | undefined> {
  try {
    return await using(await disk.open(path, 'read'), async file => {
      const bytes = Buffer.allocUnsafeSlow(await file.size())
      return bytes.subarray(0, await file.read(bytes, 0))
    })
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw diskError(error, `reading ${path}`)
  }
}

/**
 * Writes a file and syncs its content. Its name is not yet durable. `unsynced`: a file with a proof needs no
 * sync.
 */
export async function writeFile(
  disk: Disk,
  path: string,
  bytes: Uint8Array,
  how: 'synced' | 'unsynced' = 'synced',
): Promise<void> {
  try {
    await using(await disk.open(path, 'create'), async file => {
      if (bytes.length > 0 && (await file.write([bytes], 0)) < bytes.length) throw diskFull(`writing ${path}`)
      if (how === 'synced') await file.sync()
    })
  } catch (error) {
    throw diskError(error, `writing ${path}`)
  }
}

/** Replaces a file: after a crash it has the old content or the new. Durable when this resolves. */
export async function replaceFile(
  disk: Disk,
  folder: string,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  const path = `${folder}/${name}`
  await writeFile(disk, `${path}.tmp`, bytes)
  try {
    await disk.rename(`${path}.tmp`, path)
    await disk.syncDirectory(folder)
  } catch (error) {
    throw diskError(error, `replacing ${path}`)
  }
}

/** Removes a file or folder; a missing one is fine. Not durable before its folder is synced. */
export async function removeIfThere(disk: Disk, path: string): Promise<void> {
  try {
    await disk.remove(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw diskError(error, `removing ${path}`)
  }
}

async function using<T>(file: DiskFile, action: (file: DiskFile) => Promise<T>): Promise<T> {
  try {
    return await action(file)
  } finally {
    await file.close()
  }
}
