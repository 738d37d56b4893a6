/**
 * One connection of a client: reads a request, answers it, and reads the next. So responses have the order
 * of the requests, and a client's memory here is bounded by one request and one response.
 *
 * Requests to produce overlap: once all batches of one have their place in the log, the next one begins, and
 * what is synced for the first is synced for both. They are answered in their order, too. One that is refused
 * keeps the next one waiting: its error may end the connection, once those before it are answered.
 *
 * Memory: a large request is in a lent frame. That of a produce is given back when its handler has ended;
 * parts of other requests may be kept by a coordinator, as the metadata of a group's member, so the garbage
 * collector gets their frames. What the response holds is given back when it has left.
 *
 * While a handler works, the next request is gathered, up to a bound: so the end of the peer is noticed, and
 * a fetch or a join of a client that is gone does not wait any longer.
 */
import { isMillraceError, Latch, MillraceError, type Connection, systemCode } from '../../base/index.ts'
import {
  messages,
  readRequest,
  readRequestHeader,
  responseFrame,
  type Definition,
  type RequestHeader,
  type ResponseInput,
} from '../../wire/index.ts'
import type { FetchMemory } from '../fetch/fetch-memory.ts'
import type { RequestContext } from '../handlers/handler.ts'
import { unsupportedApiVersions, type HandlerOf } from '../handlers/index.ts'
import type { FrameMemory } from './frame-memory.ts'
import { FrameReader, type Frame, type FrameWait } from './frame-reader.ts'

/** What connections share. */
export interface ConnectionContext {
  readonly frameMemory: FrameMemory
  readonly responseMemory: FetchMemory
  readonly frameBytesMax: number
  /** The part of a request's context that all requests have in common. */
  readonly shared: Pick<RequestContext, 'broker' | 'clock' | 'nodeId' | 'fetchSessions'>
  readonly handlerOf: HandlerOf
  endpointOf(connection: Connection): RequestContext['endpoint']
  /** Milliseconds of time in which this process could act. */
  activeMs(): number
  /** A request could not be handled: a bug, or a failed disk. */
  failed(error: unknown, what: string): void
}

/** The part of a request's context that is its own. */
type OwnContext = 'version' | 'clientId' | 'holds' | 'keepsRequest' | 'placed'

/** What a connection waits for, which its server bounds in time. */
export type Waiting = FrameWait | 'handler' | 'peer that reads'

/** Requests to produce that wait for the disk. Clients usually send 5 before they wait for an answer. */
const producingMax = 16
/**
 * Requests of one connection in a turn of the event loop: thousands of small ones come at once, and others
 * want to be served.
 */
const turnRequests = 32
/** What a peer must take within the time of a transfer: a large response leaves in several such portions. */
const portionBytes = 4 * 1024 * 1024

export class ClientConnection {
  readonly #connection: Connection
  readonly #context: ConnectionContext
  readonly #frames: FrameReader
  /** The part of a request's context that all requests of this connection have in common. */
  readonly #shared: Omit<RequestContext, OwnContext>
  /** Nobody waits for an answer any more, or this side ends. */
  readonly #over = new Latch()
  #isGone = false
  #waiting: Waiting = 'request'
  #sinceMs: number
  /** What the next request waits for. It counts once the present ones are answered. */
  #frameWait: FrameWait = 'request'
  /** Requests that are not answered. */
  #inProgress = 0
  /** They produce. */
  #isProducing = false
  /** All requests so far are answered. */
  #answered: Promise<void> = Promise.resolve()
  #isSending = false
  #isEnding = false

  constructor(connection: Connection, context: ConnectionContext) {
    this.#connection = connection
    this.#context = context
    this.#sinceMs = context.activeMs()
    this.#shared = {
      ...context.shared,
      clientHost: connection.remote.host,
      endpoint: context.endpointOf(connection),
      over: this.#over,
      isGone: () => this.#isGone,
      memory: context.responseMemory,
    }
    this.#frames = new FrameReader({
      resume: () => connection.resume(),
      waiting: what => {
        this.#frameWait = what
        this.#updateWaiting()
      },
      gone: () => this.#leave(),
      memory: context.frameMemory,
      frameBytesMax: context.frameBytesMax,
    })
  }

  /** What it waits for, and since when. */
  get waiting(): { readonly for: Waiting; readonly sinceMs: number } {
    return { for: this.#waiting, sinceMs: this.#sinceMs }
  }

  get host(): string {
    return this.#connection.remote.host
  }

  /** Answers requests until the peer ends, sends garbage, or {@link destroy} is called. */
  async run(): Promise<void> {
    this.#connection.receive(this.#frames)
    try {
      for (let frame, n = 1; !this.#isEnding && (frame = await this.#frames.next()); n += 1) {
        await this.#begin(frame)
        if (n % turnRequests === 0) await this.#context.shared.clock.yield()
      }
    } catch (error) {
      this.#report(error)
    }
    // Garbage that follows produces takes no acknowledgement from them.
    await this.#answered
    await this.#endNow()
  }

  /** Ends once the responses of the present requests have left: its owner bounds how long that takes. */
  end(): void {
    this.#isEnding = true
    // What waits for records or for members answers now.
    this.#over.open()
    if (this.#inProgress === 0) void this.#endNow()
  }

  /** Lets the last response leave, within the time of a transfer. What is in progress is not answered. */
  async #endNow(): Promise<void> {
    this.#isEnding = true
    this.#isSending = true
    this.#updateWaiting()
    await this.#connection.end().catch(() => undefined)
    this.destroy()
  }

  destroy(): void {
    // What has come and was not begun is not done.
    this.#isEnding = true
    this.#leave()
    this.#connection.destroy()
    this.#frames.abandon()
  }

  /** Nobody waits for an answer any more. */
  #leave(): void {
    this.#isGone = true
    this.#over.open()
  }

  /** Resolves once the next request may begin. */
  async #begin(frame: Frame): Promise<void> {
    // Every request begins with its key.
    const isProduce = frame.bytes.readInt16BE(0) === messages.produce.key
    if (!isProduce || !this.#isProducing || this.#inProgress >= producingMax) await this.#answered
    this.#isProducing = isProduce
    const before = this.#answered
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#answered = this.#serve(frame, before, resolve)
    return promise
  }

  /**
   * Answers a request, after those before it. Does not reject: if it cannot be answered, the connection is
   * over.
   */
  async #serve({ bytes, lent }: Frame, before: Promise<void>, nextMayBegin: () => void): Promise<void> {
    const { frameMemory, responseMemory } = this.#context
    this.#inProgress += 1
    this.#updateWaiting()
    const response = new Response(responseMemory)
    try {
      let isKept = true
      try {
        isKept = await this.#handle(bytes, response, nextMayBegin)
      } finally {
        if (lent && isKept) frameMemory.forget(lent)
        else if (lent) frameMemory.giveBack(lent)
        this.#frames.handled()
      }
      await before
      if (response.parts) await this.#send(response.parts, response)
      else response.drop()
    } catch (error) {
      response.drop()
      this.#report(error)
      // Nothing that comes after it is done, or answered. Those before it are.
      this.#isEnding = true
      await before
      void this.#endNow()
    }
    this.#inProgress -= 1
    this.#updateWaiting()
    if (this.#isEnding && this.#inProgress === 0) void this.#endNow()
    nextMayBegin()
  }

  async #send(parts: readonly Uint8Array[], response: Response): Promise<void> {
    this.#isSending = true
    this.#updateWaiting()
    const portions = inPortions(parts)
    const last = portions.pop()!
    for (const portion of portions) {
      await this.#connection.write(portion)
      // The peer reads: it has the same time for the next one.
      this.#sinceMs = this.#context.activeMs()
    }
    await this.#connection.write(last, () => response.drop())
    this.#isSending = false
  }

  /** Returns whether something may still look at the bytes of the request. */
  async #handle(bytes: Buffer, response: Response, nextMayBegin: () => void): Promise<boolean> {
    // When this side has ended nobody can be answered, so nothing is done.
    if (this.#isEnding) return false
    const header = readRequestHeader(bytes)
    const handler = this.#context.handlerOf(header)
    if (!handler) {
      if (header.key !== messages.apiVersions.key) throw unsupported(header)
      response.parts = unsupportedApiVersions(header.correlationId)
      return false
    }
    const { definition } = handler
    const { version, correlationId } = header
    const request = readRequest(definition, header, bytes)
    let isKept = definition.key !== messages.produce.key
    const context: RequestContext = {
      ...this.#shared,
      version,
      clientId: header.clientId ?? '',
      holds: buffer => response.holds(buffer),
      placed: nextMayBegin,
      keepsRequest: () => void (isKept = true),
    }
    const answer = await handler.handle(request, context)
    if (answer !== undefined)
      response.parts = responseFrame(definition, version, correlationId, answer as ResponseInput<Definition>)
    return isKept
  }

  #updateWaiting(): void {
    const what = this.#isSending ? 'peer that reads' : this.#inProgress > 0 ? 'handler' : this.#frameWait
    // It waits for the same since it began to: many small parts of a request do not take longer than one.
    if (this.#waiting === what) return
    this.#waiting = what
    this.#sinceMs = this.#context.activeMs()
  }

  /** A connection that breaks, or a peer that sends garbage, is everyday life; all else is not. */
  #report(error: unknown): void {
    if (isConnectionError(error) || isMillraceError(error, 'CLOSED')) return
    const { host, port } = this.#connection.remote
    this.#context.failed(error, `a request from ${host}:${port}`)
  }
}

/** What is sent back, with the lent memory that it holds. */
class Response {
  readonly #memory: FetchMemory
  #lent: Buffer[] = []
  parts: readonly Uint8Array[] | undefined

  constructor(memory: FetchMemory) {
    this.#memory = memory
  }

  holds(lent: Buffer): void {
    this.#lent.push(lent)
  }

  /** It has left, or never will. */
  drop(): void {
    const lent = this.#lent
    this.#lent = []
    for (const buffer of lent) this.#memory.giveBack(buffer)
  }
}

/** The system's, as ECONNRESET; a wrong call of Node's own functions has codes like ERR_OUT_OF_RANGE. */
function isConnectionError(error: unknown): boolean {
  return /^E[A-Z]+$/.test(systemCode(error) ?? '')
}

/** The parts, cut into portions; at least one. */
function inPortions(parts: readonly Uint8Array[]): (readonly Uint8Array[])[] {
  let bytes = 0
  for (const part of parts) bytes += part.length
  if (bytes <= portionBytes) return [parts]
  let portion: Uint8Array[] = []
  let bytesLeft = portionBytes
  const portions = [portion]
  for (const part of parts)
    for (let at = 0; at < part.length;) {
      if (bytesLeft === 0) {
        portions.push((portion = []))
        bytesLeft = portionBytes
      }
      const piece = part.subarray(at, at + bytesLeft)
      portion.push(piece)
      at += piece.length
      bytesLeft -= piece.length
    }
  return portions
}

function unsupported({ key, version }: RequestHeader): MillraceError {
  return new MillraceError(
    'INVALID_REQUEST',
    `Request ${key} in version ${version} is not offered: ask for ApiVersions first.`,
  )
}
