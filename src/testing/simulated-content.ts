/**
 * The bytes of one simulated file, twice: as the operating system shows them (every write at once), and as
 * they are on the platters (synced bytes). A crash decides about the sectors that were written and not
 * synced.
 */
import type { Random } from '../base/index.ts'

export const sectorBytes = 512

/**
 * The effect of a crash on unsynced changes. The extremes are rare if each sector is decided alone, so they
 * have names.
 */
export type CrashMode = 'all kept' | 'all lost' | 'mixed'

/** A sync in progress. It makes earlier writes durable, and not those that come while it runs. */
export interface SyncUnderWay {
  readonly sectors: readonly number[]
  readonly bytes: Buffer
  readonly size: number
}

let contents = 0

export class SimulatedContent {
  size = 0
  readonly id: number = (contents += 1)
  #changes = 0
  #shown: Buffer = Buffer.alloc(0)
  #durable: Buffer = Buffer.alloc(0)
  #durableSize = 0
  /** Sectors written since the last sync began. */
  readonly #dirty = new Set<number>()
  readonly #syncs = new Set<SyncUnderWay>()

  /** Sets bytes as if they had always been there. */
  static durable(bytes: Uint8Array): SimulatedContent {
    const content = new SimulatedContent()
    content.#settle(Buffer.from(bytes))
    return content
  }

  /** Another text after each change: see `DiskStat`. */
  get version(): string {
    return `file ${this.id} ${this.#changes}`
  }

  read(buffer: Uint8Array, position: number): number {
    if (position >= this.size) return 0
    const part = this.#shown.subarray(position, Math.min(this.size, position + buffer.length))
    buffer.set(part)
    return part.length
  }

  write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.length
    this.#changes += 1
    this.#reserve(end)
    this.#shown.set(bytes, position)
    this.#touch(position, end)
    this.size = Math.max(this.size, end)
  }

  truncate(size: number): void {
    this.#changes += 1
    this.#reserve(size)
    this.#touch(Math.min(size, this.size), Math.max(size, this.size))
    this.#shown.fill(0, size)
    this.size = size
  }

  beginSync(): SyncUnderWay {
    const sectors = [...this.#dirty].sort((a, b) => a - b)
    const bytes = Buffer.alloc(sectors.length * sectorBytes)
    sectors.forEach((sector, n) =>
      this.#shown.copy(bytes, n * sectorBytes, sector * sectorBytes, (sector + 1) * sectorBytes),
    )
    const sync = { sectors, bytes, size: this.size }
    this.#syncs.add(sync)
    this.#dirty.clear()
    return sync
  }

  /** Ends a sync, and with it earlier ones, for whose writes it waited. */
  endSync(sync: SyncUnderWay): void {
    if (!this.#syncs.has(sync)) return
    for (const earlier of this.#syncs) {
      this.#persist(earlier, () => true)
      this.#durableSize = earlier.size
      this.#syncs.delete(earlier)
      if (earlier === sync) return
    }
  }

  /**
   * A sync fails. Its writes may be on the platters or not. Either way the kernel takes the pages for clean,
   * so no later sync writes them. (Linux does this. So a failed sync must not be retried.)
   */
  failSync(sync: SyncUnderWay, random: Random): void {
    if (!this.#syncs.delete(sync)) return
    this.#persist(sync, () => random.int(2) === 0)
    if (random.int(2) === 0) this.#durableSize = sync.size
  }

  /** The process died before its sync ended. The pages are still dirty. */
  abandonSync(sync: SyncUnderWay): void {
    if (this.#syncs.delete(sync)) for (const sector of sync.sectors) this.#dirty.add(sector)
  }

  /** Power is lost. */
  crash(mode: CrashMode, random: Random): void {
    for (const { sectors } of this.#syncs) for (const sector of sectors) this.#dirty.add(sector)
    const left = mode === 'mixed' ? this.#torn(random) : mode === 'all kept' ? this.#shown : this.#durable
    const size = mode === 'mixed' ? left.length : mode === 'all kept' ? this.size : this.#durableSize
    const bytes = Buffer.alloc(size)
    left.copy(bytes, 0, 0, size)
    this.#settle(bytes)
  }

  /**
   * Each sector that was not synced is kept, lost, or torn somewhere inside; the size is the old one, the new
   * one, or one between.
   */
  #torn(random: Random): Buffer {
    const [low, high] = [Math.min(this.#durableSize, this.size), Math.max(this.#durableSize, this.size)]
    const sizes = [low, high, low + random.int(high - low + 1)]
    const left = Buffer.alloc(sizes[random.int(3)] as number)
    this.#durable.copy(left, 0, 0, this.#durableSize)
    for (const sector of this.#dirty) {
      const start = sector * sectorBytes
      const kept = [0, sectorBytes, random.int(sectorBytes)][random.int(3)] as number
      const end = Math.min(start + kept, this.#shown.length)
      if (start < left.length) this.#shown.copy(left, start, start, end)
    }
    return left
  }

  #persist({ sectors, bytes, size }: SyncUnderWay, chosen: () => boolean): void {
    const needed = Math.max(size, ((sectors.at(-1) ?? -1) + 1) * sectorBytes)
    if (needed > this.#durable.length) this.#durable = grown(this.#durable, needed)
    sectors.forEach((sector, n) => {
      if (chosen()) bytes.copy(this.#durable, sector * sectorBytes, n * sectorBytes, (n + 1) * sectorBytes)
    })
  }

  #touch(start: number, end: number): void {
    for (let sector = Math.floor(start / sectorBytes); sector * sectorBytes < end; sector += 1)
      this.#dirty.add(sector)
  }

  #reserve(size: number): void {
    if (size > this.#shown.length) this.#shown = grown(this.#shown, size)
  }

  #settle(bytes: Buffer): void {
    this.#changes += 1
    this.#shown = bytes
    this.#durable = Buffer.from(bytes)
    this.size = this.#durableSize = bytes.length
    this.#dirty.clear()
    this.#syncs.clear()
  }
}

/** A larger buffer with the same bytes in front, then zeros. */
function grown(bytes: Buffer, size: number): Buffer {
  const larger = Buffer.alloc(Math.max(size, bytes.length * 2))
  bytes.copy(larger)
  return larger
}
