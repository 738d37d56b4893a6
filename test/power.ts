/** The disk as one process sees it. The process ends at a chosen call, by a loss of power or by a kill. */
import { seededRandom, type Disk, type DiskFile } from '../src/base/index.ts'
import type { SimulatedDisk } from '../src/testing/simulated-disk.ts'

export type ProcessEnd = 'crash' | 'kill'

export interface PoweredProcess {
  readonly disk: Disk
  readonly end: () => void
  readonly hasEnded: () => boolean
}

/**
 * `end` ends the process at once; otherwise the process ends at the given call. If that call is a write, it
 * has written some of its bytes. Nothing that the process does later reaches the disk.
 */
export function withPower(
  disk: SimulatedDisk,
  callsUntilEnd: number,
  how: ProcessEnd = 'crash',
): PoweredProcess {
  const random = seededRandom(callsUntilEnd)
  let left = callsUntilEnd
  let isOn = true
  const end = (): void => {
    if (isOn) disk[how]()
    isOn = false
  }
  const powered = <A extends unknown[], R>(
    call: (...args: A) => Promise<R>,
    part: (...args: A) => Promise<unknown> = async () => undefined,
  ) => {
    return async (...args: A): Promise<R> => {
      left -= 1
      if (left <= 0 && isOn) {
        // The write takes effect at once, but no caller gets its result.
        part(...args).catch(() => undefined)
        end()
      }
      if (!isOn) throw Object.assign(new Error('the power is gone'), { code: 'EIO' })
      return call(...args)
    }
  }
  const wrapFile = (file: DiskFile): DiskFile => ({
    write: powered(
      (buffers, position) => file.write(buffers, position),
      (buffers, position) => {
        const bytes = Buffer.concat(buffers)
        return file.write([bytes.subarray(0, random.int(bytes.length + 1))], position)
      },
    ),
    read: powered((buffer, position) => file.read(buffer, position)),
    sync: powered(() => file.sync()),
    truncate: powered(size => file.truncate(size)),
    size: powered(() => file.size()),
    isInPlace: () => file.isInPlace(),
    close: () => file.close(),
  })
  return {
    end,
    hasEnded: () => !isOn,
    disk: {
      open: powered(async (path, mode) => wrapFile(await disk.open(path, mode))),
      makeDirectory: powered(path => disk.makeDirectory(path)),
      list: powered(path => disk.list(path)),
      exists: powered(path => disk.exists(path)),
      stat: powered(path => disk.stat(path)),
      rename: powered((from, to) => disk.rename(from, to)),
      remove: powered(path => disk.remove(path)),
      syncDirectory: powered(path => disk.syncDirectory(path)),
      lock: powered((path, holder) => disk.lock(path, holder)),
      space: powered(path => disk.space(path)),
      openFilesMax: () => disk.openFilesMax(),
    },
  }
}
