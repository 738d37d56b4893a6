/**
 * A disk in memory, for logs that need not outlive their process. It is bounded: past its capacity writes are
 * short, then fail with ENOSPC, as on any full disk.
 *
 * A file is a list of chunks outside of the heap. Its first one grows from a few KiB, so that a small file
 * takes little; others have one size, so that a large file is never copied. Nothing is ever synced, since
 * nothing outlives the process: a sync returns at once.
 */
import type { Disk, DiskFile, DiskSpace, DiskStat } from './disk.ts'

const chunkBytes = 64 * 1024
const firstChunkBytes = 4 * 1024

export interface MemoryDiskOptions {
  /** Bytes of all files together. */
  readonly capacityBytes: number
}

export class MemoryDisk implements Disk {
  readonly #root = new MemoryFolder()
  readonly #room: Room
  readonly #capacityBytes: number
  readonly #locks = new Map<string, string>()

  constructor({ capacityBytes }: MemoryDiskOptions) {
    this.#capacityBytes = capacityBytes
    this.#room = { leftBytes: capacityBytes }
  }

  /** Bytes that more chunks may take. */
  get leftBytes(): number {
    return this.#room.leftBytes
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    const { folder, name } = this.#place(path)
    let node = folder?.nodes.get(name)
    if (node instanceof MemoryFolder) throw systemError('EISDIR', path)
    if (mode === 'create' && folder) {
      node ??= folder.set(name, new MemoryContent(this.#room))
      node.truncate(0)
    }
    if (!node) throw systemError('ENOENT', path)
    return this.#fileOf(node, path, mode !== 'read')
  }

  async makeDirectory(path: string): Promise<void> {
    let folder = this.#root
    for (const name of namesOf(path)) {
      const next = folder.nodes.get(name) ?? folder.set(name, new MemoryFolder())
      if (!(next instanceof MemoryFolder)) throw systemError('EEXIST', path)
      folder = next
    }
  }

  async list(path: string): Promise<string[]> {
    const node = this.#node(path)
    if (!(node instanceof MemoryFolder)) throw systemError(node ? 'ENOTDIR' : 'ENOENT', path)
    return [...node.nodes.keys()].sort()
  }

  async exists(path: string): Promise<boolean> {
    return this.#node(path) !== undefined
  }

  async stat(path: string): Promise<DiskStat | undefined> {
    const node = this.#node(path)
    return node && { size: node.size, version: `${node.id}.${node.changes}` }
  }

  async rename(from: string, to: string): Promise<void> {
    const source = this.#place(from)
    const target = this.#place(to)
    const node = source.folder?.nodes.get(source.name)
    if (!node || !target.folder) throw systemError('ENOENT', from)
    const replaced = target.folder.nodes.get(target.name)
    if (node === replaced) return
    if (replaced instanceof MemoryFolder !== node instanceof MemoryFolder && replaced)
      throw systemError(replaced instanceof MemoryFolder ? 'EISDIR' : 'ENOTDIR', to)
    if (replaced instanceof MemoryFolder && replaced.nodes.size > 0) throw systemError('ENOTEMPTY', to)
    replaced?.drop()
    source.folder!.delete(source.name)
    target.folder.set(target.name, node)
  }

  async remove(path: string): Promise<void> {
    const { folder, name } = this.#place(path)
    folder?.nodes.get(name)?.drop()
    folder?.delete(name)
  }

  async syncDirectory(path: string): Promise<void> {
    if (!this.#node(path)) throw systemError('ENOENT', path)
  }

  async lock(path: string, holder: string): Promise<{ release(): Promise<void> } | { heldBy: string }> {
    const key = namesOf(path).join('/')
    const heldBy = this.#locks.get(key)
    if (heldBy !== undefined) return { heldBy }
    this.#locks.set(key, holder)
    return { release: async () => void this.#locks.delete(key) }
  }

  async space(): Promise<DiskSpace> {
    return { totalBytes: this.#capacityBytes, usableBytes: this.#room.leftBytes }
  }

  async openFilesMax(): Promise<undefined> {
    return undefined
  }

  #fileOf(content: MemoryContent, path: string, isWritable: boolean): DiskFile {
    let isOpen = true
    const check = (writes = false): void => {
      if (!isOpen || (writes && !isWritable)) throw systemError('EBADF', path)
    }
    return {
      async write(buffers, position) {
        check(true)
        let at = position
        for (const buffer of buffers) {
          const count = content.write(buffer, at)
          at += count
          if (count < buffer.length) break
        }
        if (at === position && buffers.some(({ length }) => length > 0)) throw systemError('ENOSPC', path)
        return at - position
      },
      async read(buffer, position) {
        check()
        return content.read(buffer, position)
      },
      async sync() {
        check()
      },
      async truncate(size) {
        check(true)
        if (!content.truncate(size)) throw systemError('ENOSPC', path)
      },
      async size() {
        check()
        return content.size
      },
      isInPlace: () => this.#node(path) === content,
      async close() {
        isOpen = false
      },
    }
  }

  #node(path: string): Node | undefined {
    const names = namesOf(path)
    let node: Node | undefined = this.#root
    for (const name of names) node = node instanceof MemoryFolder ? node.nodes.get(name) : undefined
    return node
  }

  #place(path: string): { readonly folder: MemoryFolder | undefined; readonly name: string } {
    const names = namesOf(path)
    const name = names.pop() ?? ''
    const folder = this.#node(names.join('/'))
    return { folder: folder instanceof MemoryFolder ? folder : undefined, name }
  }
}

/** What is left of the capacity. */
interface Room {
  leftBytes: number
}

type Node = MemoryFolder | MemoryContent

let ids = 0

class MemoryFolder {
  readonly id: number = (ids += 1)
  readonly nodes = new Map<string, Node>()
  readonly size = 0
  changes = 0

  set<N extends Node>(name: string, node: N): N {
    this.nodes.set(name, node)
    this.changes += 1
    return node
  }

  delete(name: string): void {
    if (this.nodes.delete(name)) this.changes += 1
  }

  /** Nothing leads to it any more. */
  drop(): void {
    for (const node of this.nodes.values()) node.drop()
    this.nodes.clear()
  }
}

class MemoryContent {
  readonly id: number = (ids += 1)
  size = 0
  changes = 0
  #room: Room
  /** Only a single one is smaller than {@link chunkBytes}. Bytes past {@link size} are zero. */
  #chunks: Buffer[] = []

  constructor(room: Room) {
    this.#room = room
  }

  /** The name is gone. A reader or writer that still has it open takes nothing of the capacity. */
  drop(): void {
    this.#room.leftBytes += this.#reservedBytes
    this.#room = { leftBytes: Infinity }
  }

  /** How many bytes were written: fewer if there is no room. */
  write(bytes: Uint8Array, position: number): number {
    const end = Math.min(position + bytes.length, this.#reserve(position + bytes.length))
    if (end <= position) return 0
    this.changes += 1
    for (let at = position; at < end;) {
      const chunk = this.#chunks[Math.floor(at / chunkBytes)]!
      const offset = at % chunkBytes
      const count = Math.min(end - at, chunk.length - offset)
      chunk.set(bytes.subarray(at - position, at - position + count), offset)
      at += count
    }
    this.size = Math.max(this.size, end)
    return end - position
  }

  read(buffer: Uint8Array, position: number): number {
    const end = Math.min(this.size, position + buffer.length)
    for (let at = position; at < end;) {
      const offset = at % chunkBytes
      const part = this.#chunks[Math.floor(at / chunkBytes)]!.subarray(offset, offset + end - at)
      buffer.set(part, at - position)
      at += part.length
    }
    return Math.max(0, end - position)
  }

  /** False: there is no room for a larger size. */
  truncate(size: number): boolean {
    if (this.#reserve(size) < size) return false
    this.changes += 1
    const chunks = Math.ceil(size / chunkBytes)
    for (const chunk of this.#chunks.splice(chunks)) this.#room.leftBytes += chunk.length
    if (size % chunkBytes > 0) this.#chunks[chunks - 1]!.fill(0, size % chunkBytes)
    this.size = size
    return true
  }

  get #reservedBytes(): number {
    const { length } = this.#chunks
    return length === 1 ? this.#chunks[0]!.length : length * chunkBytes
  }

  /** Takes chunks for so many bytes, as far as there is room; returns for how many there are. */
  #reserve(size: number): number {
    let reserved = this.#reservedBytes
    while (reserved < size) {
      const grown = reserved < chunkBytes ? firstChunkOf(size) : reserved + chunkBytes
      if (grown - reserved > this.#room.leftBytes) return reserved
      this.#room.leftBytes -= grown - reserved
      if (reserved < chunkBytes) {
        const only = Buffer.alloc(grown)
        this.#chunks[0]?.copy(only)
        this.#chunks = [only]
      } else this.#chunks.push(Buffer.alloc(chunkBytes))
      reserved = grown
    }
    return reserved
  }
}

/** The bytes of the first chunk of a file of this size: a power of two. */
function firstChunkOf(size: number): number {
  return Math.min(chunkBytes, 2 ** Math.ceil(Math.log2(Math.max(size, firstChunkBytes))))
}

function namesOf(path: string): string[] {
  return path.split(/[/\\]+/).filter(name => name !== '' && name !== '.')
}

function systemError(code: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: the disk in memory, '${path}'`), { code })
}
