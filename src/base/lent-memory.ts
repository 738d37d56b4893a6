/**
 * Memory that is lent to a hot path and given back, so that a read or a batch makes no garbage. A fresh
 * buffer of 512 KiB per fetch makes V8 run a full collection every 30 MB.
 *
 * Buffers come in powers of two, and each is either lent or kept for the next borrower. What is kept is
 * bounded: a buffer that comes back takes the place of those whose size came back longest ago, so that sizes
 * which nobody asks for any more do not fill the bound. What is lent is counted, and a borrower that can do
 * with less asks {@link LentMemory.isScarce}.
 *
 * A borrower that cannot tell whether its buffer is still in use (a failed write may still be in the kernel)
 * calls {@link LentMemory.forget}: the garbage collector decides then.
 */
import { assert } from './assert.ts'

/** The smallest buffer. */
const bytesMin = 4 * 1024
/** Larger buffers are made for one borrower, and not kept. */
const keptBufferBytesMax = 16 * 1024 * 1024
/** What a poisoned buffer is filled with: no batch and no text begins like this. */
const poisonByte = 0xdb

/** Who lends memory. */
export interface Lender {
  /** A buffer of at least `bytes`; its content is undefined. */
  lend(bytes: number): Buffer
  /** Takes back a buffer exactly as it was lent. The borrower must not look at it any more. */
  giveBack(buffer: Buffer): void
  /** A lent buffer that will not come back: it may still be in use. */
  forget(buffer: Buffer): void
  /** So much is lent that a borrower should ask for the least it can do with. */
  readonly isScarce: boolean
}

/** Fresh memory for each borrower, which the garbage collector takes: for what happens rarely. */
export const freshMemory: Lender = {
  lend: bytes => Buffer.allocUnsafeSlow(bytes),
  giveBack: () => undefined,
  forget: () => undefined,
  isScarce: false,
}

let poisons = false

/**
 * From now on, all memory of this process that is given back is overwritten at once. For tests: a user of
 * memory that it no longer has fails loudly, and not once in a thousand runs.
 */
export function poisonLentMemory(): void {
  poisons = true
}

export interface LentMemoryOptions {
  /** Past so many lent bytes memory is scarce. */
  readonly lentBytesMax: number
  /** The most bytes that are kept for later borrowers. */
  readonly keptBytesMax: number
}

/** Kept buffers of one size. */
interface Kept {
  readonly buffers: Buffer[]
  /** By the count of returns: when one came back last. */
  returned: number
}

export class LentMemory implements Lender {
  readonly #options: LentMemoryOptions
  /** By size: a dozen at most. */
  readonly #kept = new Map<number, Kept>()
  #keptBytes = 0
  #returns = 0
  #lentBytes = 0
  readonly #lent = new WeakSet<Buffer>()

  constructor(options: LentMemoryOptions) {
    this.#options = options
  }

  /** Bytes of all buffers that are lent. */
  get lentBytes(): number {
    return this.#lentBytes
  }

  /** Bytes of the buffers that wait for a borrower. */
  get keptBytes(): number {
    return this.#keptBytes
  }

  get isScarce(): boolean {
    return this.#lentBytes >= this.#options.lentBytesMax
  }

  lend(bytes: number): Buffer {
    const size = sizeFor(bytes)
    const kept = this.#kept.get(size)?.buffers.pop()
    if (kept) this.#keptBytes -= size
    const buffer = kept ?? Buffer.allocUnsafeSlow(size)
    this.#lent.add(buffer)
    this.#lentBytes += size
    return buffer
  }

  giveBack(buffer: Buffer): void {
    this.forget(buffer)
    if (poisons) buffer.fill(poisonByte)
    const size = buffer.length
    if (size > keptBufferBytesMax) return
    const kept = this.#keptOf(size)
    this.#returns += 1
    kept.returned = this.#returns
    if (!this.#hasRoom(size)) return
    this.#keptBytes += size
    kept.buffers.push(buffer)
  }

  #keptOf(size: number): Kept {
    let kept = this.#kept.get(size)
    if (!kept) {
      kept = { buffers: [], returned: 0 }
      this.#kept.set(size, kept)
    }
    return kept
  }

  /** Whether a buffer of this size, which came back last, can be kept: drops those of other sizes for it. */
  #hasRoom(size: number): boolean {
    const { keptBytesMax } = this.#options
    if (size > keptBytesMax) return false
    while (this.#keptBytes + size > keptBytesMax) {
      let oldest: Kept | undefined
      let oldestSize = size
      for (const [each, kept] of this.#kept)
        if (each !== size && kept.buffers.length > 0 && kept.returned < (oldest?.returned ?? Infinity)) {
          oldest = kept
          oldestSize = each
        }
      if (!oldest) return false
      oldest.buffers.pop()
      this.#keptBytes -= oldestSize
    }
    return true
  }

  forget(buffer: Buffer): void {
    assert(this.#lent.delete(buffer), 'a buffer is given back once, as it was lent')
    this.#lentBytes -= buffer.length
  }
}

function sizeFor(bytes: number): number {
  if (bytes <= bytesMin) return bytesMin
  return bytes > keptBufferBytesMax ? bytes : 2 ** (32 - Math.clz32(bytes - 1))
}
