/**
 * What recovery cuts off is kept aside in `<segment>.log.cut-<offset>`: nothing that was ever in a log is deleted because it is damaged. These
 * files are nobody's but the operator's; millrace never reads or removes one.
 */
import { type Disk, type DiskFile } from '../base/index.ts'
import { diskFull } from './disk-errors.ts'
import { removeIfThere } from './small-file.ts'

/** Bytes copied at a time. */
const copyBytes = 1 << 20

/** A name that is not taken: the same log may have been cut at the same offset before. */
export async function asideName(disk: Disk, logPath: string, cutOffset: number): Promise<string> {
  const name = `${logPath}.cut-${cutOffset}`
  for (let n = 1; ; n += 1) {
    const path = n === 1 ? name : `${name}.${n}`
    if (!(await disk.exists(path))) return path
  }
}

/**
 * Copies [start, end) of a file to `path`, synced; the name is not yet durable. Leaves nothing behind when it fails: on a full disk
 * every further attempt would else take some more of what was freed for it.
 */
export async function copyAside(
  disk: Disk,
  from: DiskFile,
  start: number,
  end: number,
  path: string,
): Promise<void> {
  const to = await disk.open(path, 'create')
  try {
    for (let position = start; position < end;) {
      const chunk = Buffer.allocUnsafeSlow(Math.min(copyBytes, end - position))
      const read = await from.read(chunk, position)
      if (read === 0) break
      const written = await to.write([chunk.subarray(0, read)], position - start)
      if (written < read) throw diskFull(`keeping aside ${end - start} bytes in ${path}`)
      position += read
    }
    await to.sync()
  } catch (error) {
    await to.close()
    await removeIfThere(disk, path).catch(() => undefined)
    throw error
  }
  await to.close()
}
