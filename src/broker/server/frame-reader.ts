/**
 * Cuts what a connection receives into frames: an int32 size, and that many bytes.
 *
 * A frame that lies within one received chunk is a view of it. Another is gathered in lent memory, which
 * grows with what has arrived: a peer that announces much and sends little takes little.
 */
import { MillraceError } from '../../base/index.ts'
import type { FrameMemory } from './frame-memory.ts'

/** A request as it came. */
export interface Frame {
  readonly bytes: Buffer
  /** The memory of `bytes`, which its reader gives back; undefined: it is the garbage collector's. */
  readonly lent: Buffer | undefined
}

/** A request that has not begun; the rest of one; memory that other requests hold. */
export type FrameWait = 'request' | 'rest of a request' | 'memory'

const sizeBytes = 4
/** The first memory of a frame that is larger. */
const firstBytes = 64 * 1024
/** Every request has a key, a version and a correlation id. */
const requestBytesMin = 8

const nothing = Buffer.alloc(0)

export interface FrameReaderOptions {
  /** The next bytes of the peer; undefined: it has ended. */
  readonly receive: () => Promise<Uint8Array | undefined>
  /** What the next bytes are waited for: see {@link FrameWait}. */
  readonly waiting: (what: FrameWait) => void
  readonly memory: FrameMemory
  /** A larger frame is refused: `socket.request.max.bytes`. */
  readonly frameBytesMax: number
  /** Default: of a request. A response may be smaller. */
  readonly frameBytesMin?: number
}

export class FrameReader {
  readonly #options: FrameReaderOptions
  /** Received, and not part of a frame yet. */
  #rest: Buffer = nothing
  #isAbandoned = false

  constructor(options: FrameReaderOptions) {
    this.#options = options
  }

  /**
   * The next frame; undefined: the peer has ended between two frames, or in the middle of one.
   * @throws MillraceError INVALID_REQUEST: the bytes are not Kafka's protocol, or the frame is too large
   */
  async next(): Promise<Frame | undefined> {
    while (this.#rest.length < sizeBytes) {
      this.#options.waiting(this.#rest.length > 0 ? 'rest of a request' : 'request')
      const bytes = await this.#options.receive()
      if (!bytes) return undefined
      this.#rest = this.#rest.length === 0 ? bufferOf(bytes) : Buffer.concat([this.#rest, bytes])
    }
    const size = this.#rest.readInt32BE(0)
    this.#check(size)
    const first = this.#rest.subarray(sizeBytes)
    if (first.length >= size) {
      // An empty view would hold the chunk for as long as the connection is idle.
      this.#rest = first.length === size ? nothing : first.subarray(size)
      return { bytes: first.subarray(0, size), lent: undefined }
    }
    this.#rest = nothing
    return this.#gather(first, size)
  }

  /** The frame was handled, and its memory given back. */
  handled(): void {
    this.#options.memory.done(this)
  }

  /** The connection is gone: a frame that waits for memory ends. */
  abandon(): void {
    this.#isAbandoned = true
    this.handled()
  }

  async #gather(first: Buffer, size: number): Promise<Frame | undefined> {
    const { memory, waiting, receive } = this.#options
    let filled = first.length
    let lent: Buffer | undefined
    let frame: Frame | undefined
    try {
      await this.#room()
      lent = memory.lend(Math.min(size, Math.max(firstBytes, filled)))
      first.copy(lent)
      while (filled < size) {
        waiting('rest of a request')
        const bytes = await receive()
        if (!bytes) return undefined
        const taken = Math.min(bytes.length, size - filled)
        if (filled + taken > lent.length) {
          await this.#room()
          const grown = memory.lend(Math.min(size, Math.max(filled + taken, lent.length * 2)))
          lent.copy(grown, 0, 0, filled)
          memory.giveBack(lent)
          lent = grown
        }
        const chunk = bufferOf(bytes)
        chunk.copy(lent, filled, 0, taken)
        filled += taken
        if (taken < chunk.length) this.#rest = chunk.subarray(taken)
      }
      frame = { bytes: lent.subarray(0, size), lent }
      return frame
    } finally {
      if (!frame) {
        if (lent) memory.giveBack(lent)
        memory.done(this)
      }
    }
  }

  /** Waits until this frame may take more memory. */
  async #room(): Promise<void> {
    const { memory, waiting } = this.#options
    for (let room; !this.#isAbandoned && (room = memory.room(this));) {
      waiting('memory')
      await room
    }
  }

  #check(size: number): void {
    const { frameBytesMax, frameBytesMin = requestBytesMin } = this.#options
    if (size >= frameBytesMin && size <= frameBytesMax) return
    const known = knownBeginning(this.#rest)
    throw new MillraceError(
      'INVALID_REQUEST',
      known ??
        (size > frameBytesMax
          ? `A request of ${size} bytes is larger than socket.request.max.bytes, which is ${frameBytesMax}.`
          : `A request cannot have ${size} bytes: the peer does not speak Kafka's protocol.`),
    )
  }
}

/** Protocols that are tried on the port by mistake. */
function knownBeginning(bytes: Buffer): string | undefined {
  if (bytes[0] === 0x16 && bytes[1] === 0x03)
    return 'The peer begins with TLS: set its security.protocol to PLAINTEXT, which is all that this port speaks.'
  const text = bytes.toString('latin1', 0, 4)
  if (['GET ', 'POST', 'PUT ', 'PATC', 'DELE', 'HEAD', 'OPTI', 'CONN', 'TRAC', 'PRI '].includes(text))
    return "The peer speaks HTTP: this port speaks Kafka's protocol."
  return undefined
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
