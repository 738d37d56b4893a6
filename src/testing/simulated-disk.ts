/**
 * A disk in memory that fails as real disks do, repeatably from a seed.
 *
 * Bytes and names have two states: as the operating system shows them, and as they are on the platters. A
 * crash keeps the synced bytes of each file, and any set of whole or torn 512-byte sectors of the others. It
 * keeps or loses each name that was created, renamed or removed without a sync of its folder
 * (simulated-content.ts, simulated-folder.ts). A call takes effect at once and returns some turns later, in
 * an order that the seed decides. A sync covers only writes that came before its call.
 *
 * A renamed file counts as two changes of names, of which a crash may keep one. So an unsynced rename may
 * leave the file under both names, or under neither. Most file systems are less harsh.
 */
import {
  type Disk,
  type DiskFile,
  type DiskSpace,
  type DiskStat,
  type Random,
  seededRandom,
} from '../base/index.ts'
import { SimulatedContent, type CrashMode } from './simulated-content.ts'
import { folderAt, locate, namesOf, SimulatedFolder } from './simulated-folder.ts'

/**
 * A planned failure of the disk: at the nth call from now, once or from then on.
 *
 * A write that fails with EIO may leave a part of its bytes. A failed sync drops its writes. `short` makes a
 * write return short without an error, and affects no other call. EMFILE does not affect calls on open files,
 * which take no descriptor. Closing and unlocking are not counted and do not fail.
 */
export interface PlannedFailure {
  readonly call: number
  readonly kind: 'EIO' | 'ENOSPC' | 'EMFILE' | 'short'
  readonly times: 'once' | 'forever'
}

export interface SimulatedDiskOptions {
  readonly random?: Random
  /** Bytes that fit. Past them writes are short, then fail with ENOSPC. Default: no limit. */
  readonly capacityBytes?: number
}

const crashModes: readonly CrashMode[] = ['all kept', 'all lost', 'mixed', 'mixed']
/** The most turns of the microtask queue that a call takes. */
const turnsMax = 4

export class SimulatedDisk implements Disk {
  capacityBytes: number
  /** Calls so far, for planning a failure at each. */
  calls = 0
  readonly #random: Random
  readonly #root = new SimulatedFolder()
  readonly #locks = new Map<string, string>()
  #failures: PlannedFailure[] = []
  /** Raised by each crash and kill: files opened before it are gone. */
  #boot = 0

  constructor(options: SimulatedDiskOptions = {}) {
    this.#random = options.random ?? seededRandom(1)
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY
  }

  /** Bytes of all files, as the operating system shows them. */
  get sizeBytes(): number {
    return this.#root.sizeBytes()
  }

  /** Makes the nth call from now fail. */
  failCall(failure: PlannedFailure): void {
    this.#failures.push({ ...failure, call: this.calls + failure.call })
  }

  clearFailures(): void {
    this.#failures = []
  }

  /** Power is lost; the head of this file says what is left. Locks are free; open files fail from now on. */
  crash(): void {
    this.kill()
    this.#failures = []
    this.#root.crash(crashModes[this.#random.int(crashModes.length)] as CrashMode, this.#random)
  }

  /** The process is killed, and the machine continues: only locks and open files are lost. */
  kill(): void {
    this.#boot += 1
    this.#locks.clear()
  }

  /**
   * The disk as one process sees it. After the next crash or kill every call through it fails with EBADF. So
   * a dead program, which may not know it, cannot reach its successor's files.
   */
  session(): Disk {
    const boot = this.#boot
    const alive = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
      return async (...args: A): Promise<R> => {
        if (boot !== this.#boot) throw systemError('EBADF', 'a disk from before the crash')
        return call(...args)
      }
    }
    return {
      open: alive((path, mode) => this.open(path, mode)),
      makeDirectory: alive(path => this.makeDirectory(path)),
      list: alive(path => this.list(path)),
      exists: alive(path => this.exists(path)),
      stat: alive(path => this.stat(path)),
      rename: alive((from, to) => this.rename(from, to)),
      remove: alive(path => this.remove(path)),
      syncDirectory: alive(path => this.syncDirectory(path)),
      lock: alive((path, holder) => this.lock(path, holder)),
      space: alive(path => this.space(path)),
      openFilesMax: () => this.openFilesMax(),
    }
  }

  /** The bytes of a file as the operating system shows them, for tests that check or damage them. */
  contentOf(path: string): Uint8Array | undefined {
    const node = locate(this.#root, path)?.node
    if (!(node instanceof SimulatedContent)) return undefined
    const bytes = new Uint8Array(node.size)
    node.read(bytes, 0)
    return bytes
  }

  /** Sets the bytes of a file, as if they, and the folders above them, had always been there. */
  setContent(path: string, bytes: Uint8Array): void {
    const names = namesOf(path)
    const name = names.pop() ?? ''
    let folder = this.#root
    for (const step of names) {
      const next = folder.shown.get(step) ?? new SimulatedFolder()
      if (!(next instanceof SimulatedFolder)) throw systemError('ENOTDIR', path)
      folder.settle(step, next)
      folder = next
    }
    folder.settle(name, SimulatedContent.durable(bytes))
  }

  open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    return this.#call(() => {
      const place = locate(this.#root, path)
      if (!place) throw systemError('ENOENT', path)
      if (place.node instanceof SimulatedFolder) throw systemError('EISDIR', path)
      let content = place.node
      if (mode === 'create') {
        if (content) content.truncate(0)
        else place.folder.shown.set(place.name, (content = new SimulatedContent()))
      }
      if (!content) throw systemError('ENOENT', path)
      return this.#fileOf(content, path, mode !== 'read')
    })
  }

  async makeDirectory(path: string): Promise<void> {
    const steps: { folder: SimulatedFolder; name: string; node: SimulatedFolder }[] = []
    await this.#call(() => {
      let folder = this.#root
      for (const name of namesOf(path)) {
        const node = folder.shown.get(name) ?? new SimulatedFolder()
        if (!(node instanceof SimulatedFolder)) throw systemError('EEXIST', path)
        folder.shown.set(name, node)
        steps.push({ folder, name, node })
        folder = node
      }
    })
    for (const { folder, name, node } of steps) if (folder.shown.get(name) === node) folder.settle(name, node)
  }

  list(path: string): Promise<string[]> {
    return this.#call(() => [...this.#folder(path).shown.keys()].sort())
  }

  exists(path: string): Promise<boolean> {
    return this.#call(() => namesOf(path).length === 0 || locate(this.#root, path)?.node !== undefined)
  }

  stat(path: string): Promise<DiskStat | undefined> {
    return this.#call(() => {
      const node = namesOf(path).length === 0 ? this.#root : locate(this.#root, path)?.node
      return node && { size: node instanceof SimulatedFolder ? 0 : node.size, version: node.version }
    })
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call(() => {
      const [old, target] = [locate(this.#root, from), locate(this.#root, to)]
      if (!old?.node || !target) throw systemError('ENOENT', from)
      if (target.node instanceof SimulatedFolder && target.node.shown.size > 0)
        throw systemError('ENOTEMPTY', to)
      old.folder.shown.delete(old.name)
      target.folder.shown.set(target.name, old.node)
    })
  }

  remove(path: string): Promise<void> {
    return this.#call(() => {
      const place = locate(this.#root, path)
      if (place?.node instanceof SimulatedFolder) place.node.clear()
      place?.folder.shown.delete(place.name)
    })
  }

  syncDirectory(path: string): Promise<void> {
    return this.#call(() => this.#folder(path).sync())
  }

  lock(path: string, holder: string): Promise<{ release(): Promise<void> } | { heldBy: string }> {
    return this.#call(() => {
      const name = namesOf(path).join('/')
      const heldBy = this.#locks.get(name)
      if (heldBy !== undefined) return { heldBy }
      this.#locks.set(name, holder)
      const boot = this.#boot
      return {
        release: async () => {
          if (boot === this.#boot) this.#locks.delete(name)
        },
      }
    })
  }

  /** Unbounded unless it has a capacity. */
  space(path: string): Promise<DiskSpace | undefined> {
    return this.#call(() => {
      if (namesOf(path).length > 0 && !locate(this.#root, path)?.node) throw systemError('ENOENT', path)
      const { capacityBytes: totalBytes } = this
      if (totalBytes === Infinity) return undefined
      return { totalBytes, usableBytes: Math.max(0, totalBytes - this.#root.sizeBytes()) }
    })
  }

  openFilesMax(): Promise<number | undefined> {
    return Promise.resolve(undefined)
  }

  #fileOf(content: SimulatedContent, path: string, writable: boolean): DiskFile {
    const boot = this.#boot
    let open = true
    const check = (): void => {
      if (boot !== this.#boot || !open) throw systemError('EBADF', path)
    }
    const checkWritable = (): void => {
      check()
      if (!writable) throw systemError('EBADF', path)
    }
    return {
      write: async (buffers, position) => {
        checkWritable()
        const bytes = Buffer.concat(buffers)
        const failure = exceptEmfile(this.#nextFailure())
        const room = this.capacityBytes - this.#root.sizeBytes() + Math.max(0, content.size - position)
        let count = Math.min(bytes.length, Math.max(0, room))
        if (failure === 'short') count = Math.min(count, Math.floor(bytes.length / 2))
        else if (failure === 'EIO') count = this.#random.int(count + 1)
        else if (failure !== undefined) count = 0
        if (count > 0) content.write(bytes.subarray(0, count), position)
        await this.#pause()
        if (failure !== undefined && failure !== 'short') throw systemError(failure, path)
        if (count === 0 && bytes.length > 0) throw systemError('ENOSPC', path)
        return count
      },
      read: (buffer, position) =>
        this.#call(() => {
          check()
          return content.read(buffer, position)
        }, exceptEmfile),
      sync: async () => {
        check()
        const failure = exceptEmfile(this.#nextFailure())
        const sync = content.beginSync()
        try {
          await this.#pause()
          // A crash may have come in the turn since. Then this sync has made nothing durable, and must not
          // report success.
          check()
        } catch (error) {
          content.abandonSync(sync)
          throw error
        }
        if (failure === undefined || failure === 'short') return content.endSync(sync)
        content.failSync(sync, this.#random)
        throw systemError(failure, path)
      },
      truncate: size =>
        this.#call(() => {
          checkWritable()
          content.truncate(size)
        }, exceptEmfile),
      size: () =>
        this.#call(() => {
          check()
          return content.size
        }, exceptEmfile),
      isInPlace: () => locate(this.#root, path)?.node === content,
      close: async () => {
        open = false
      },
    }
  }

  /** One call: counted; it fails if planned, otherwise it takes effect at once and returns a little later. */
  async #call<R>(effect: () => R, strikes = (kind: Failure): Failure => kind): Promise<R> {
    const failure = strikes(this.#nextFailure())
    if (failure !== undefined && failure !== 'short') {
      await this.#pause()
      throw systemError(failure, 'as planned')
    }
    const result = effect()
    await this.#pause()
    return result
  }

  #nextFailure(): PlannedFailure['kind'] | undefined {
    this.calls += 1
    const { calls } = this
    return this.#failures.find(({ call, times }) => (times === 'once' ? call === calls : call <= calls))?.kind
  }

  /** A call that was in progress at a crash is rejected: its caller is gone. */
  async #pause(): Promise<void> {
    const boot = this.#boot
    for (let turns = 1 + this.#random.int(turnsMax); turns > 0; turns -= 1) await Promise.resolve()
    if (boot !== this.#boot) throw systemError('EBADF', 'a call from before the crash')
  }

  #folder(path: string): SimulatedFolder {
    const folder = folderAt(this.#root, path)
    if (!folder) throw systemError('ENOENT', path)
    return folder
  }
}

type Failure = PlannedFailure['kind'] | undefined

/** A call on an open file takes no descriptor. */
function exceptEmfile(kind: Failure): Failure {
  return kind === 'EMFILE' ? undefined : kind
}

function systemError(code: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: simulated, '${path}'`), { code })
}
