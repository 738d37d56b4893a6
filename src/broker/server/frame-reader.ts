/**
 * Cuts what a connection receives into frames: an int32 size, and that many bytes.
 *
 * A frame that comes in one piece is a view of it. Another is gathered in lent memory, which grows with what
 * has arrived: a peer that announces much and sends little takes little. Its bytes are received there, and
 * not copied but for the first ones.
 *
 * While frames are handled the next one is gathered, up to a bound; then the peer waits.
 */
import { MillraceError, type Receiver } from '../../base/index.ts'
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
/** The first memory of a frame that is larger: it holds the usual batch of 64 KiB with what is around it. */
const firstBytes = 128 * 1024
/** The memory of a frame that comes while others are handled: nothing bounds its time. */
const aheadBytesMax = firstBytes
/** Past so many bytes of frames that wait, the end of the peer is not looked for. */
const lookAheadBytesMax = 64 * 1024
/** Every request has a key, a version and a correlation id. */
const requestBytesMin = 8

const nothing = Buffer.alloc(0)

export interface FrameReaderOptions {
  /** The connection, which was told to wait, shall continue. */
  readonly resume: () => void
  /** What the next frame waits for: see {@link FrameWait}. */
  readonly waiting: (what: FrameWait) => void
  /** Nothing more comes. */
  readonly gone: () => void
  readonly memory: FrameMemory
  /** A larger frame is refused: `socket.request.max.bytes`. */
  readonly frameBytesMax: number
  /** Default: of a request. A response may be smaller. */
  readonly frameBytesMin?: number
}

/** A frame of which not all has come. */
interface Gathering {
  readonly size: number
  lent: Buffer
  filled: number
}

/** What the next frame needs. */
type Need = 'bytes' | 'memory'

export class FrameReader implements Receiver {
  readonly #options: FrameReaderOptions
  /** Bytes that came after those of the last frame, or of the gathering one. */
  #rest: Buffer = nothing
  /** The rest is the connection's, until the end of its call. */
  #isRestBorrowed = false
  #gathering: Gathering | undefined
  /** The next frame, which was not asked for yet. */
  #ready: Frame | undefined
  #asked: PromiseWithResolvers<Frame | undefined> | undefined
  /** Frames that are being handled. */
  #handling = 0
  /** The connection was told to wait. */
  #isStopped = false
  /** Nothing more comes. */
  #end: { readonly error: Error | undefined } | undefined

  constructor(options: FrameReaderOptions) {
    this.#options = options
  }

  /**
   * The next frame; undefined: the peer has ended between two frames, or in the middle of one. One call at a
   * time; each frame must be {@link handled}.
   * @throws MillraceError INVALID_REQUEST: the bytes are not Kafka's protocol, or the frame is too large
   */
  next(): Promise<Frame | undefined> {
    this.#asked = Promise.withResolvers()
    const { promise } = this.#asked
    this.#continue()
    return promise
  }

  /** The frame was handled, and its memory given back. */
  handled(): void {
    this.#handling -= 1
    if (this.#handling > 0) return
    this.#options.memory.done(this)
    this.#continue()
  }

  /** The connection is gone: what it has sent is not looked at any more. */
  abandon(): void {
    const { memory } = this.#options
    for (const lent of [this.#gathering?.lent, this.#ready?.lent]) if (lent) memory.giveBack(lent)
    this.#gathering = undefined
    this.#ready = undefined
    this.#rest = nothing
    this.ended(undefined)
    memory.done(this)
  }

  space(): Uint8Array | undefined {
    if (!this.#gathering) return undefined
    const { lent, filled, size } = this.#gathering
    return lent.subarray(filled, size)
  }

  received(bytes: Uint8Array): boolean {
    if (this.#end) return false
    const gathering = this.#gathering
    if (bytes.buffer === gathering?.lent.buffer) gathering.filled += bytes.length
    else if (this.#rest.length > 0) this.#rest = Buffer.concat([this.#rest, bytes])
    else {
      this.#rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      this.#isRestBorrowed = true
    }
    this.#isStopped = !this.#proceed()
    this.#ownRest()
    return !this.#isStopped
  }

  ended(error: Error | undefined): void {
    this.#end ??= { error }
    this.#options.gone()
    this.#proceed()
  }

  #continue(): void {
    if (!this.#proceed() || !this.#isStopped) return
    this.#isStopped = false
    this.#options.resume()
  }

  /** Makes a frame of what is there, and gives it to who has asked. Returns whether more bytes are wanted. */
  #proceed(): boolean {
    try {
      for (;;) {
        const need = this.#ready ? undefined : this.#advance()
        if (need === 'memory') return false
        if (need === 'bytes') break
        if (!this.#give()) return this.#looksAhead
      }
    } catch (error) {
      // Nothing after it can be understood, and nobody waits for the answers to what came before.
      this.#rest = nothing
      this.ended(error as Error)
      return false
    }
    if (!this.#end) {
      const isBegun = this.#gathering !== undefined || this.#rest.length > 0
      this.#options.waiting(isBegun ? 'rest of a request' : 'request')
      return true
    }
    if (this.#end.error) this.#asked?.reject(this.#end.error)
    else this.#asked?.resolve(undefined)
    return false
  }

  /** Whether more bytes are taken before the frame that is ready: so the end of the peer is noticed. */
  get #looksAhead(): boolean {
    return !this.#end && this.#ready!.bytes.length + this.#rest.length < lookAheadBytesMax
  }

  #give(): boolean {
    if (!this.#asked) return false
    this.#asked.resolve(this.#ready)
    this.#asked = undefined
    this.#ready = undefined
    this.#handling += 1
    return true
  }

  /** Until the next frame is ready, or needs something. */
  #advance(): Need | undefined {
    if (!this.#gathering) {
      if (this.#rest.length < sizeBytes) return 'bytes'
      const size = this.#rest.readInt32BE(0)
      this.#check(size)
      if (this.#rest.length - sizeBytes >= size) {
        this.#ownRest()
        this.#ready = { bytes: this.#takeRest(sizeBytes + size).subarray(sizeBytes), lent: undefined }
        return undefined
      }
      const bytes = Math.min(size, Math.max(firstBytes, this.#rest.length))
      if (!this.#mayBorrow(bytes)) return 'memory'
      this.#takeRest(sizeBytes)
      this.#gathering = { size, lent: this.#options.memory.lend(bytes), filled: 0 }
    }
    return this.#gather(this.#gathering)
  }

  #gather(gathering: Gathering): Need | undefined {
    const { size } = gathering
    for (;;) {
      const { lent, filled } = gathering
      const part = this.#takeRest(Math.min(size, lent.length) - filled)
      part.copy(lent, filled)
      gathering.filled += part.length
      if (gathering.filled === size) break
      if (gathering.filled < lent.length) return 'bytes'
      const bytes = Math.min(size, lent.length * 2)
      if (!this.#mayBorrow(bytes)) return 'memory'
      const { memory } = this.#options
      gathering.lent = memory.lend(bytes)
      lent.copy(gathering.lent)
      memory.giveBack(lent)
    }
    const { lent } = gathering
    this.#gathering = undefined
    this.#ready = { bytes: lent.subarray(0, size), lent }
    return undefined
  }

  /** Whether this frame may take more memory. If not, it comes back to this once it may. */
  #mayBorrow(bytes: number): boolean {
    const { memory, waiting } = this.#options
    // It must not keep others waiting for as long as a handler may take, which waits for them perhaps.
    if (this.#handling > 0) return !memory.isScarce && bytes <= aheadBytesMax
    const room = memory.room(this)
    if (!room) return true
    waiting('memory')
    void room.then(() => this.#continue())
    return false
  }

  #takeRest(bytesMax: number): Buffer {
    const part = this.#rest.subarray(0, bytesMax)
    // An empty view would hold the chunk for as long as the connection is idle.
    this.#rest = part.length === this.#rest.length ? nothing : this.#rest.subarray(part.length)
    return part
  }

  #ownRest(): void {
    if (this.#isRestBorrowed && this.#rest.length > 0) this.#rest = Buffer.from(this.#rest)
    this.#isRestBorrowed = false
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
