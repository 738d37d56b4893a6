/**
 * What clients may cost: connections, memory, time. Each limit is a config of the broker by Kafka's name,
 * unless the options of the server give another one.
 */
import type { Broker } from '../broker.ts'

export interface ServerLimits {
  /** Bytes of a request: `socket.request.max.bytes`. */
  readonly frameBytesMax: number
  /**
   * Bytes of large requests, of all connections together: `queued.max.request.bytes`. Past them the next ones
   * wait.
   */
  readonly queuedBytesMax: number
  /** Connections in all: `max.connections`. */
  readonly connectionsMax: number
  /** Connections from one address: `max.connections.per.ip`. */
  readonly connectionsPerHostMax: number
  /** A connection without a request is closed: `connections.max.idle.ms`. */
  readonly idleMsMax: number
  /** A request must be complete, and each 4 MiB of a response taken, within this time. Default 60 s. */
  readonly transferMsMax: number
  /**
   * Bytes of fetched records that wait for their readers. Past them each fetch gets little, and at twice as
   * many it waits. Default 64 MiB.
   */
  readonly fetchBytesMax: number
  /** Fetch sessions: `max.incremental.fetch.session.cache.slots`. */
  readonly fetchSessionsMax: number
}

const transferMsMaxDefault = 60_000
const fetchBytesMaxDefault = 64 * 1024 * 1024
/** Kafka's largest int: no limit. */
const int32Max = 0x7fff_ffff

/** Those that are given, and for the others those of the broker's configs. */
export function serverLimits(
  broker: Pick<Broker, 'configNumber'>,
  given: Partial<ServerLimits> = {},
): ServerLimits {
  /** A negative number sets no limit, as in Kafka. */
  const limit = (name: string): number => {
    const number = broker.configNumber(name)
    return number < 0 || number === int32Max ? Infinity : number
  }
  return {
    frameBytesMax: given.frameBytesMax ?? broker.configNumber('socket.request.max.bytes'),
    queuedBytesMax: given.queuedBytesMax ?? limit('queued.max.request.bytes'),
    connectionsMax: given.connectionsMax ?? limit('max.connections'),
    connectionsPerHostMax: given.connectionsPerHostMax ?? limit('max.connections.per.ip'),
    idleMsMax: given.idleMsMax ?? limit('connections.max.idle.ms'),
    transferMsMax: given.transferMsMax ?? transferMsMaxDefault,
    fetchBytesMax: given.fetchBytesMax ?? fetchBytesMaxDefault,
    fetchSessionsMax: given.fetchSessionsMax ?? limit('max.incremental.fetch.session.cache.slots'),
  }
}
