/**
 * What a request handler is: the entrance of Kafka's protocol to the broker. A handler reads its request,
 * calls the coordinators, and maps their answers and errors to Kafka's. One file per request, named by its
 * key; the table is `index.ts`, and the answer to ApiVersions follows from it.
 */
import type { Clock, Latch, NetAddress } from '../../base/index.ts'
import type { Definition, Request, ResponseInput } from '../../wire/index.ts'
import type { Broker } from '../broker.ts'
import type { FetchMemory } from '../fetch/fetch-memory.ts'
import type { FetchSessions } from '../fetch/fetch-sessions.ts'

/** What a handler knows beside its request. */
export interface RequestContext {
  readonly broker: Broker
  readonly clock: Clock
  /** The version of the request, and of its response. */
  readonly version: number
  /** The id that the client gives itself; empty: none. */
  readonly clientId: string
  /** The address that the client comes from. */
  readonly clientHost: string
  /** This broker's id in its cluster of one. */
  readonly nodeId: number
  /** The address by which the client reaches this broker. */
  readonly endpoint: Required<NetAddress>
  readonly fetchSessions: FetchSessions
  /** Opens when nobody waits for the answer any more: the connection is gone, or the broker closes. */
  readonly over: Latch
  /** Nobody waits for the answer any more: the connection is gone. A broker that closes still answers. */
  readonly isGone: () => boolean
  /** Lends the memory of what the response holds; see {@link holds}. */
  readonly memory: FetchMemory
  /** The response holds this lent buffer, which is given back once the response has left. */
  holds(lent: Buffer): void
  /**
   * All that the request does is done, in its order, and it waits for the disk alone: the next request of
   * its kind may begin.
   */
  placed(): void
  /** The bytes of the request may still be in use when the handler has ended: its memory is not reused. */
  keepsRequest(): void
}

/** Undefined: nothing is answered. */
type Answer<D extends Definition> = ResponseInput<D> | undefined

/**
 * One request of the protocol, with what answers it. Requests and responses are of its definition's types.
 */
export interface Handler {
  readonly definition: Definition
  handle(request: unknown, context: RequestContext): unknown
}

/**
 * Ties a definition to what answers it. `handle` throws no MillraceError but CLOSED and INVALID_REQUEST,
 * which end the connection: others are codes in its response.
 */
export function handler<const D extends Definition>(
  definition: D,
  handle: (request: Request<D>, context: RequestContext) => Answer<D> | Promise<Answer<D>>,
): Handler {
  return { definition, handle: (request, context) => handle(request as Request<D>, context) }
}
