/**
 * One connection of a client: reads a request, answers it, and reads the next. So responses have the order
 * of the requests, and a client's memory here is bounded by one request and one response.
 *
 * Memory: the request is in a lent frame, which is given back when its handler has ended; what the response
 * holds is given back when it has left.
 */
import { isMillraceError, MillraceError, type Connection, type Lender } from '../../base/index.ts'
import {
  messages,
  readRequest,
  readRequestHeader,
  responseFrame,
  type Definition,
  type RequestHeader,
  type ResponseInput,
} from '../../wire/index.ts'
import type { RequestContext } from '../handlers/handler.ts'
import { unsupportedApiVersions, type HandlerOf } from '../handlers/index.ts'
import { FrameReader, type Frame } from './frame-reader.ts'

/** What connections share. */
export interface ConnectionContext {
  readonly frameMemory: Lender
  readonly responseMemory: Lender
  readonly frameBytesMax: number
  /** The part of a request's context that is the same for all requests of a connection. */
  readonly shared: Omit<
    RequestContext,
    'version' | 'clientId' | 'clientHost' | 'endpoint' | 'signal' | 'memory' | 'holds' | 'keepsRequest'
  >
  readonly handlerOf: HandlerOf
  endpointOf(connection: Connection): RequestContext['endpoint']
  /** Milliseconds of time in which this process could act. */
  activeMs(): number
  /** A request could not be handled: a bug, or a failed disk. */
  failed(error: unknown, what: string): void
}

/** What a connection waits for, which its server bounds in time. */
export type Waiting = 'request' | 'rest of a request' | 'handler' | 'peer that reads'

export class ClientConnection {
  readonly #connection: Connection
  readonly #context: ConnectionContext
  readonly #frames: FrameReader
  readonly #gone = new AbortController()
  #waiting: Waiting = 'request'
  #sinceMs: number
  #isEnding = false

  constructor(connection: Connection, context: ConnectionContext) {
    this.#connection = connection
    this.#context = context
    this.#sinceMs = context.activeMs()
    this.#frames = new FrameReader({
      receive: () => connection.read(),
      waiting: isInFrame => this.#wait(isInFrame ? 'rest of a request' : 'request'),
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
    try {
      for (let frame; !this.#isEnding && (frame = await this.#frames.next());) await this.#serve(frame)
      await this.#connection.end()
    } catch (error) {
      this.#report(error)
    } finally {
      this.destroy()
    }
  }

  /** Ends after the present request, once its response has left: its owner bounds how long that takes. */
  end(): void {
    this.#isEnding = true
    // What waits for records or for members answers now.
    this.#gone.abort()
    if (this.#waiting === 'request' || this.#waiting === 'rest of a request') this.destroy()
  }

  destroy(): void {
    this.#gone.abort()
    this.#connection.destroy()
  }

  async #serve({ bytes, lent }: Frame): Promise<void> {
    this.#wait('handler')
    const { frameMemory } = this.#context
    let isKept = false
    const keepsRequest = (): void => void (isKept = true)
    const response = new Response(this.#context.responseMemory)
    try {
      await this.#answer(bytes, response, keepsRequest)
    } catch (error) {
      response.drop()
      isKept = true
      throw error
    } finally {
      if (lent && isKept) frameMemory.forget(lent)
      else if (lent) frameMemory.giveBack(lent)
    }
    if (!response.parts) return response.drop()
    this.#wait('peer that reads')
    await this.#connection.write(response.parts, () => response.drop())
    this.#wait('request')
  }

  async #answer(bytes: Buffer, response: Response, keepsRequest: () => void): Promise<void> {
    const header = readRequestHeader(bytes)
    const handler = this.#context.handlerOf(header)
    if (!handler) {
      if (header.key !== messages.apiVersions.key) throw unsupported(header)
      response.parts = unsupportedApiVersions(header.correlationId)
      return
    }
    const { definition } = handler
    const { version, correlationId } = header
    const request = readRequest(definition, header, bytes)
    const context: RequestContext = {
      ...this.#context.shared,
      version,
      clientId: header.clientId ?? '',
      clientHost: this.#connection.remote.host,
      endpoint: this.#context.endpointOf(this.#connection),
      signal: this.#gone.signal,
      memory: this.#context.responseMemory,
      holds: buffer => response.holds(buffer),
      keepsRequest,
    }
    const answer = await handler.handle(request, context)
    if (answer === undefined) return
    response.parts = responseFrame(definition, version, correlationId, answer as ResponseInput<Definition>)
  }

  #wait(what: Waiting): void {
    this.#waiting = what
    this.#sinceMs = this.#context.activeMs()
  }

  /** A connection that breaks, or a peer that sends garbage, is everyday life; all else is not. */
  #report(error: unknown): void {
    const isSystemError = error instanceof Error && 'code' in error && !isMillraceError(error)
    if (isSystemError || isMillraceError(error, 'CLOSED')) return
    const { host, port } = this.#connection.remote
    this.#context.failed(error, `a request from ${host}:${port}`)
  }
}

/** What is sent back, with the lent memory that it holds. */
class Response {
  readonly #memory: Lender
  #lent: Buffer[] = []
  parts: readonly Uint8Array[] | undefined

  constructor(memory: Lender) {
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

function unsupported({ key, version }: RequestHeader): MillraceError {
  return new MillraceError(
    'INVALID_REQUEST',
    `Request ${key} in version ${version} is not offered: ask for ApiVersions first.`,
  )
}
