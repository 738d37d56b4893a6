/** Opens in-process logs for tests: in a folder of their own that is removed at the end. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import {
  nodeDisk,
  seededRandom,
  systemClock,
  systemRandom,
  type Disk,
  type DiskFile,
  type Random,
} from '../../src/base/index.ts'
import { InProcessLog } from '../../src/broker/index.ts'
import { createLog, type Log } from '../../src/port/index.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { virtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts'

export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'millrace-broker-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

export function openPort(path: string): Promise<InProcessLog> {
  return InProcessLog.open(path, { disk: nodeDisk, clock: systemClock, random: systemRandom })
}

/** A log for one test. */
export async function openTestLog(context: TestContext): Promise<Log> {
  const folder = temporaryFolder()
  const log = createLog(await openPort(folder.path), systemClock)
  context.after(async () => {
    await log.close()
    folder.remove()
  })
  return log
}

/** A log over a simulated disk and a clock that stands still, which can lose power and be opened again. */
export class SimulatedLog {
  readonly disk: SimulatedDisk
  readonly clock: VirtualClock = virtualClock(1_000_000)
  readonly #random: Random
  #port: InProcessLog | undefined

  constructor(random: Random = seededRandom(1)) {
    this.#random = random
    this.disk = new SimulatedDisk({ random })
  }

  async open(disk: Disk = this.disk): Promise<InProcessLog> {
    this.#port = await InProcessLog.open('/data', { disk, clock: this.clock, random: this.#random })
    return this.#port
  }

  /** Power is lost; the log that was open is of no use any more. */
  async crash(): Promise<InProcessLog> {
    this.disk.crash()
    return this.open()
  }

  async close(): Promise<void> {
    await this.#port?.close()
  }
}

/** Makes the disk lose power at its nth call. */
export function losingPower(disk: Disk, crash: () => void, calls: number): Disk {
  let left = calls
  const counted = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      left -= 1
      if (left === 0) crash()
      return call(...args)
    }
  }
  const wrapFile = (file: DiskFile): DiskFile => ({
    write: counted((buffers, position) => file.write(buffers, position)),
    read: (buffer, position) => file.read(buffer, position),
    sync: counted(() => file.sync()),
    truncate: counted(size => file.truncate(size)),
    size: () => file.size(),
    close: () => file.close(),
  })
  return {
    open: async (path, mode) => wrapFile(await disk.open(path, mode)),
    makeDirectory: counted(path => disk.makeDirectory(path)),
    list: path => disk.list(path),
    exists: path => disk.exists(path),
    rename: counted((from, to) => disk.rename(from, to)),
    remove: counted(path => disk.remove(path)),
    syncDirectory: counted(path => disk.syncDirectory(path)),
    lock: (path, holder) => disk.lock(path, holder),
  }
}
