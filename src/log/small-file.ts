/** Files small enough to be read and replaced as a whole. */
import type { Disk } from '../base/index.ts'
import { diskFull, systemCode } from './disk-errors.ts'

/** Everything in the file; undefined when it is not there. */
export async function readFile(disk: Disk, path: string): Promise<Buffer | undefined> {
  let file
  try {
    file = await disk.open(path, 'read')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    const bytes = Buffer.allocUnsafeSlow(await file.size())
    return bytes.subarray(0, await file.read(bytes, 0))
  } finally {
    await file.close()
  }
}

/**
 * Writes a file that nobody relies on before its content is synced, which it is when this resolves. Its name is not yet durable. `unsynced`: what
 * is proved before it is believed needs no sync.
 */
export async function writeFile(
  disk: Disk,
  path: string,
  bytes: Uint8Array,
  how: 'synced' | 'unsynced' = 'synced',
): Promise<void> {
  const file = await disk.open(path, 'create')
  try {
    if (bytes.length > 0 && (await file.write([bytes], 0)) < bytes.length) throw diskFull(`writing ${path}`)
    if (how === 'synced') await file.sync()
  } finally {
    await file.close()
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
  await disk.rename(`${path}.tmp`, path)
  await disk.syncDirectory(folder)
}

/** Removes a file or folder; fine when it is not there. Not durable before its folder is synced. */
export async function removeIfThere(disk: Disk, path: string): Promise<void> {
  try {
    await disk.remove(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
}
