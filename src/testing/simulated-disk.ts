/**
 * A disk in memory that fails as disks do, repeatably from a seed.
 *
 * Two states are kept: what the operating system shows (every write at once), and what is on the platters (what was synced). A crash leaves of each
 * file what was synced and, of what was not, any set of whole or torn 512-byte sectors, in no order; of names that were created, renamed or
 * removed without a sync of their folder, each may be kept or lost.
 *
 * A renamed file counts as two changes of names, of which a crash may keep one: so a file can be under both names, or under neither of two that
 * were not synced. That is harsher than most file systems are.
 */
import { type Disk, type DiskFile, type Random, seededRandom } from '../base/index.ts'

const sectorBytes = 512

/** A failure for the disk to have: at the nth call from now, once or for good. */
export interface PlannedFailure {
  readonly call: number
  readonly kind: 'EIO' | 'ENOSPC' | 'EMFILE' | 'short'
  readonly times: 'once' | 'forever'
}

export interface SimulatedDiskOptions {
  readonly random?: Random
  /** Bytes that fit; more come back short, then ENOSPC. Default: no end. */
  readonly capacityBytes?: number
}

interface Content {
  /** What the operating system shows. */
  bytes: Buffer
  size: number
  /** What is on the platters. */
  synced: Buffer
  /** Sectors written since the last sync. */
  dirty: Set<number>
}

export class SimulatedDisk implements Disk {
  capacityBytes: number
  /** Calls so far, for planning a failure at each. */
  calls = 0
  readonly #random: Random
  /** Names as the operating system shows them. */
  #names = new Map<string, Content>()
  /** Names as they would be found after a crash. */
  #durableNames = new Map<string, Content>()
  readonly #folders = new Set<string>(['', '/'])
  readonly #locks = new Map<string, string>()
  #failures: PlannedFailure[] = []
  /** Raised by each crash: files that were open before it are gone. */
  #boot = 0

  constructor(options: SimulatedDiskOptions = {}) {
    this.#random = options.random ?? seededRandom(1)
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY
  }

  /** Makes the nth call from now fail. */
  failCall(failure: PlannedFailure): void {
    this.#failures.push({ ...failure, call: this.calls + failure.call })
  }

  clearFailures(): void {
    this.#failures = []
  }

  /** Power is lost: see the head of this file for what is left. Locks are free; what was open fails from now on. */
  crash(): void {
    this.#boot += 1
    this.#locks.clear()
    this.#failures = []
    const names = new Map<string, Content>()
    for (const name of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
      const shown = this.#names.get(name)
      const durable = this.#durableNames.get(name)
      const kept = shown === durable || this.#random.int(2) === 0 ? durable : shown
      if (kept) names.set(name, kept)
    }
    for (const content of new Set(names.values())) this.#tear(content)
    this.#names = names
    this.#durableNames = new Map(names)
  }

  /** The process is killed, and the machine lives on: nothing is lost but locks and open files. */
  kill(): void {
    this.#boot += 1
    this.#locks.clear()
  }

  /** The bytes of a file as the operating system shows them: for tests that look at, or damage, what is there. */
  contentOf(path: string): Uint8Array | undefined {
    const content = this.#names.get(normal(path))
    return content && Uint8Array.from(content.bytes.subarray(0, content.size))
  }

  /** Puts bytes in the place of a file's, as if they had always been there. */
  setContent(path: string, bytes: Uint8Array): void {
    const content: Content = {
      bytes: Buffer.from(bytes),
      size: bytes.length,
      synced: Buffer.from(bytes),
      dirty: new Set(),
    }
    this.#names.set(normal(path), content)
    this.#durableNames.set(normal(path), content)
    this.#addFolders(normal(path).slice(0, normal(path).lastIndexOf('/')))
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    await this.#call()
    const name = normal(path)
    let content = this.#names.get(name)
    if (mode === 'create') {
      if (!this.#folders.has(name.slice(0, Math.max(name.lastIndexOf('/'), 0))))
        throw systemError('ENOENT', path)
      if (content) this.#resize(content, 0)
      else {
        content = { bytes: Buffer.alloc(0), size: 0, synced: Buffer.alloc(0), dirty: new Set() }
        this.#names.set(name, content)
      }
    }
    if (!content) throw systemError('ENOENT', path)
    return this.#fileOf(content, path)
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#call()
    this.#addFolders(normal(path))
  }

  async list(path: string): Promise<string[]> {
    await this.#call()
    const folder = normal(path)
    if (!this.#folders.has(folder)) throw systemError('ENOENT', path)
    const prefix = `${folder}/`
    const found = new Set<string>()
    for (const name of [...this.#names.keys(), ...this.#folders])
      if (name.startsWith(prefix)) found.add(name.slice(prefix.length).split('/')[0] as string)
    return [...found].sort()
  }

  async exists(path: string): Promise<boolean> {
    await this.#call()
    return this.#names.has(normal(path)) || this.#folders.has(normal(path))
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#call()
    const [old, name] = [normal(from), normal(to)]
    const content = this.#names.get(old)
    if (content) {
      this.#names.delete(old)
      this.#names.set(name, content)
      return
    }
    if (!this.#folders.has(old)) throw systemError('ENOENT', from)
    // A folder moves with all that is in it, for good: only files are torn here.
    for (const names of [this.#names, this.#durableNames])
      for (const [file, moved] of [...names])
        if (file.startsWith(`${old}/`)) {
          names.delete(file)
          names.set(name + file.slice(old.length), moved)
        }
    for (const folder of [...this.#folders])
      if (folder === old || folder.startsWith(`${old}/`)) {
        this.#folders.delete(folder)
        this.#folders.add(name + folder.slice(old.length))
      }
  }

  async remove(path: string): Promise<void> {
    await this.#call()
    const name = normal(path)
    this.#names.delete(name)
    for (const file of [...this.#names.keys()]) if (file.startsWith(`${name}/`)) this.#names.delete(file)
    for (const folder of [...this.#folders])
      if (folder === name || folder.startsWith(`${name}/`)) this.#folders.delete(folder)
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#call()
    const prefix = `${normal(path)}/`
    for (const name of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
      if (!name.startsWith(prefix) || name.slice(prefix.length).includes('/')) continue
      const content = this.#names.get(name)
      if (content) this.#durableNames.set(name, content)
      else this.#durableNames.delete(name)
    }
  }

  async lock(path: string, holder: string): Promise<{ release(): Promise<void> } | { heldBy: string }> {
    await this.#call()
    const heldBy = this.#locks.get(normal(path))
    if (heldBy !== undefined) return { heldBy }
    this.#locks.set(normal(path), holder)
    return {
      release: async () => {
        this.#locks.delete(normal(path))
      },
    }
  }

  #fileOf(content: Content, path: string): DiskFile {
    const boot = this.#boot
    let open = true
    const call = async (): Promise<PlannedFailure['kind'] | undefined> => {
      const failure = await this.#call('short')
      if (boot !== this.#boot || !open) throw systemError('EBADF', path)
      return failure
    }
    return {
      write: async (buffers, position) => {
        const failure = await call()
        const bytes = Buffer.concat(buffers)
        const room = this.capacityBytes - this.#used() + Math.max(0, content.size - position)
        let count = Math.min(bytes.length, Math.max(0, room))
        if (failure === 'short') count = Math.min(count, Math.floor(bytes.length / 2))
        if (count === 0 && bytes.length > 0) throw systemError('ENOSPC', path)
        this.#write(content, bytes.subarray(0, count), position)
        return count
      },
      read: async (buffer, position) => {
        await call()
        if (position >= content.size) return 0
        const part = content.bytes.subarray(position, Math.min(content.size, position + buffer.length))
        buffer.set(part)
        return part.length
      },
      sync: async () => {
        await call()
        content.synced = Buffer.from(content.bytes.subarray(0, content.size))
        content.dirty.clear()
      },
      truncate: async size => {
        await call()
        this.#resize(content, size)
      },
      size: async () => {
        await call()
        return content.size
      },
      close: async () => {
        open = false
      },
    }
  }

  #write(content: Content, bytes: Buffer, position: number): void {
    const end = position + bytes.length
    if (end > content.bytes.length) {
      const grown = Buffer.alloc(Math.max(end, content.bytes.length * 2))
      content.bytes.copy(grown, 0, 0, content.size)
      content.bytes = grown
    }
    bytes.copy(content.bytes, position)
    content.size = Math.max(content.size, end)
    for (let sector = Math.floor(position / sectorBytes); sector * sectorBytes < end; sector += 1)
      content.dirty.add(sector)
  }

  #resize(content: Content, size: number): void {
    for (let sector = Math.floor(size / sectorBytes); sector * sectorBytes < content.size; sector += 1)
      content.dirty.add(sector)
    content.bytes.fill(0, size)
    if (size > content.size) this.#write(content, Buffer.alloc(size - content.size), content.size)
    content.size = size
  }

  /** What a crash leaves of a file. */
  #tear(content: Content): void {
    const { synced, bytes, size, dirty } = content
    // The size, too, may be the old one, the new one or one between.
    const sizes = [
      synced.length,
      size,
      synced.length + this.#random.int(Math.abs(size - synced.length) + 1) * Math.sign(size - synced.length),
    ]
    const left = Buffer.alloc(dirty.size === 0 ? synced.length : (sizes[this.#random.int(3)] as number))
    synced.copy(left)
    for (const sector of dirty) {
      const start = sector * sectorBytes
      // Kept, lost, or torn somewhere inside.
      const kept = [0, sectorBytes, this.#random.int(sectorBytes)][this.#random.int(3)] as number
      bytes.copy(left, start, start, Math.min(start + kept, size, left.length))
    }
    content.bytes = left
    content.size = left.length
    content.synced = Buffer.from(left)
    content.dirty = new Set()
  }

  /** Counts a call and lets the planned failure happen; `short` is left to the one who writes. */
  async #call(passes?: 'short'): Promise<PlannedFailure['kind'] | undefined> {
    const boot = this.#boot
    this.calls += 1
    const { calls } = this
    await Promise.resolve()
    if (boot !== this.#boot) throw systemError('EBADF', 'a file from before the crash')
    const failure = this.#failures.find(({ call, times }) =>
      times === 'once' ? call === calls : call <= calls,
    )
    if (!failure) return undefined
    if (failure.kind !== 'short') throw systemError(failure.kind, 'as planned')
    return passes ? 'short' : undefined
  }

  #used(): number {
    let bytes = 0
    for (const { size } of this.#names.values()) bytes += size
    return bytes
  }

  #addFolders(path: string): void {
    for (let folder = path; folder !== ''; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/'))))
      this.#folders.add(folder)
  }
}

function normal(path: string): string {
  return path.replace(/\/+/g, '/').replace(/\/$/, '').replace(/^\.\//, '')
}

function systemError(code: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: simulated, '${path}'`), { code })
}
