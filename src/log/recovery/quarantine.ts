/**
 * Bytes that recovery cuts off are kept in `<segment>.log.cut-<offset>`: damage never deletes anything from a
 * log. These files are for the operator; millrace never reads or removes them.
 */
import type { Disk, DiskFile } from '../../base/index.ts'
import { diskFull } from '../files/disk-errors.ts'
import { removeIfThere } from '../files/small-file.ts'

/** Bytes copied at a time. */
const chunkBytes = 1 << 20

/**
 * Copies [start, end) of a file to a position in another, or to its own place. DISK_FULL, while `doing` that.
 * `pause` is called between the pieces; what it throws ends the copy.
 */
export async function copyBytes(
  from: DiskFile,
  start: number,
  end: number,
  to: DiskFile,
  position: number,
  doing: string,
  pause?: () => Promise<void>,
): Promise<void> {
  const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, end - start))
  for (let copied = 0; copied < end - start;) {
    const read = await from.read(
      chunk.subarray(0, Math.min(chunk.length, end - start - copied)),
      start + copied,
    )
    if (read === 0) return
    const written = await to.write([chunk.subarray(0, read)], position + copied)
    if (written < read) throw diskFull(doing)
    copied += read
    if (copied < end - start) await pause?.()
  }
}

/** A free name: the same log may have been cut at the same offset before. */
export async function quarantineName(disk: Disk, logPath: string, cutOffset: number): Promise<string> {
  const name = `${logPath}.cut-${cutOffset}`
  for (let n = 1; ; n += 1) {
    const path = n === 1 ? name : `${name}.${n}`
    if (!(await disk.exists(path))) return path
  }
}

/**
 * Copies [start, end) of a file to `path`, synced; the name is not yet durable. Leaves nothing when it fails:
 * otherwise each attempt on a full disk would take more of the freed space.
 */
export async function copyToQuarantine(
  disk: Disk,
  from: DiskFile,
  start: number,
  end: number,
  path: string,
): Promise<void> {
  const to = await disk.open(path, 'create')
  try {
    await copyBytes(from, start, end, to, 0, `keeping ${end - start} bytes in ${path}`)
    await to.sync()
  } catch (error) {
    await to.close()
    await removeIfThere(disk, path).catch(() => undefined)
    throw error
  }
  await to.close()
}
