/** A log in process that listens: what programs, commands and tests say about it, and what they get. */
import {
  checkOptions,
  isMillraceError,
  MillraceError,
  type Clock,
  type Net,
  type NetAddress,
} from '../base/index.ts'
import type { InProcessLog } from './in-process.ts'
import type { HandlerOf } from './handlers/index.ts'
import type { KafkaServer } from './server/kafka-server.ts'
import { addressInWords, checkLoopback, parseAddress } from './server/listen-address.ts'

/** How a log is served over Kafka's protocol. */
export interface ListenOptions {
  /** A name or an IP address. Default `127.0.0.1`, which only this machine reaches. */
  readonly host?: string
  /** 0 takes a free port. Default 9092, as Kafka's. */
  readonly port?: number
  /**
   * The address that clients are told, as `host:port`. They connect by it after their first request. Default:
   * the one by which each client came in. Needed where a port is mapped or forwarded.
   */
  readonly advertise?: string
  /**
   * Admits a host that other machines reach. There is no authentication: every client can read and write all
   * topics. Default false.
   */
  readonly allowRemote?: boolean
  /** Told of peers that do not speak Kafka's protocol, of connections past the limit, and of failures. */
  readonly onNotice?: (message: string) => void
}

/** A log that is served over Kafka's protocol, until this or the log is closed. */
export interface LogServer extends AsyncDisposable {
  /** Where it listens; never port 0. */
  readonly address: Required<NetAddress>
  /** What a client is given: `bootstrap.servers`. */
  readonly bootstrap: string
  /** Connections that are open. */
  readonly connections: number
  /** Answers the requests in progress, and closes the connections. The log stays open. */
  close(): Promise<void>
}

/** What listens, beside what its user says. */
export interface Served {
  readonly log: InProcessLog
  readonly net: Net
  /** Default: the clock of the log. */
  readonly clock?: Clock
  readonly handlerOf?: HandlerOf
  /** How messages name the call, and the options `allowRemote` and `port`. */
  readonly call: string
  readonly allowsRemoteBy: string
}

const portDefault = 9092

/**
 * Listens from now on.
 * @throws MillraceError INVALID_ARGUMENT, ADDRESS_IN_USE, ADDRESS_UNAVAILABLE, CLOSED
 */
export async function serveLog(served: Served, options: ListenOptions = {}): Promise<LogServer> {
  const { log, net, clock, handlerOf, call, allowsRemoteBy } = served
  checkOptions(call, options, {
    host: 'string',
    port: isPort,
    advertise: 'string',
    allowRemote: 'boolean',
    onNotice: 'function',
  })
  const { host, port = portDefault, advertise, allowRemote, onNotice } = options
  if (host !== undefined && !allowRemote) checkLoopback(host, allowsRemoteBy)
  const server = await log.listen({
    net,
    address: { ...(host !== undefined && { host }), port },
    advertised: advertise === undefined ? undefined : advertisedAddress(advertise),
    onError: (error, what) => onNotice?.(noticeOf(error, what)),
    ...(clock && { clock }),
    ...(handlerOf && { handlerOf }),
  })
  return logServer(server, advertise)
}

function logServer(server: KafkaServer, advertise: string | undefined): LogServer {
  const { address } = server
  const close = (): Promise<void> => server.close()
  return {
    address,
    bootstrap: advertise ?? addressInWords({ host: reachableHost(address.host), port: address.port }),
    get connections() {
      return server.connections
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A client cannot connect to "any address": it is on this machine. */
function reachableHost(host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
}

function advertisedAddress(text: string): Required<NetAddress> {
  const address = parseAddress(text, 1)
  if (address && text.includes(':') && !['0.0.0.0', '::'].includes(address.host)) return address
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `The advertised address must be the host and port by which clients reach this machine, such as 'localhost:9092', got '${text}'.`,
  )
}

function isPort(value: unknown): string | undefined {
  const isOne = Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535
  return isOne ? undefined : 'a whole number from 0 to 65535'
}

function noticeOf(error: unknown, what: string): string {
  if (isMillraceError(error)) return `${what}: ${error.message}`
  // A bug of millrace: its stack says where.
  return `${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}
