/**
 * Kafka's protocol over TCP: accepts connections, bounds how many there are and how long each may take, and
 * closes them with the broker.
 *
 * Bounds in time count only time in which this process could act, and sockets are read before anyone is
 * expired.
 */
import {
  ActiveClock,
  MillraceError,
  type Clock,
  type Connection,
  type Listener,
  type Net,
  type NetAddress,
  type Timer,
} from '../../base/index.ts'
import type { Broker } from '../broker.ts'
import type { Entrance } from '../entrances.ts'
import { FetchMemory } from '../fetch/fetch-memory.ts'
import { FetchSessions } from '../fetch/fetch-sessions.ts'
import { handlerOf, type HandlerOf } from '../handlers/index.ts'
import { ClientConnection, type ConnectionContext, type Waiting } from './client-connection.ts'
import { FrameMemory } from './frame-memory.ts'
import { listeningFailed } from './listen-address.ts'
import { serverLimits, type ServerLimits } from './server-limits.ts'

export interface KafkaServerOptions {
  readonly net: Net
  /** How long fetches wait, and the bounds in time of connections. */
  readonly clock: Clock
  /** Where to listen. Port 0 takes a free one. */
  readonly address: NetAddress
  /** The address that clients are told. Default: the one by which each came in. */
  readonly advertised?: Required<NetAddress> | undefined
  /** Default 0. */
  readonly nodeId?: number | undefined
  /** In place of those of the broker's configs. */
  readonly limits?: Partial<ServerLimits> | undefined
  /** What answers a request. Default: the table of handlers. Tests put their faults in front of it. */
  readonly handlerOf?: HandlerOf | undefined
  /** A request could not be handled, a peer does not speak Kafka's protocol, or a connection is refused. */
  readonly onError?: ((error: unknown, what: string) => void) | undefined
}

/** Kept for requests: 256 connections that send batches of 64 KiB at the same time make no garbage. */
const keptFrameBytesMax = 32 * 1024 * 1024
const keptResponseBytesMax = 8 * 1024 * 1024
/** How often connections are looked at. */
const sweepMs = 1000
/** At the end: how long responses may take to leave, before their connections are dropped. */
const closeMsMax = 5000

export class KafkaServer implements Entrance {
  readonly #broker: Broker
  readonly #options: KafkaServerOptions
  readonly #limits: ServerLimits
  readonly #connections = new Set<ClientConnection>()
  readonly #running = new Set<Promise<void>>()
  readonly #context: ConnectionContext
  #listener!: Listener
  readonly #active: ActiveClock
  #sweep: Timer | undefined
  #closing: Promise<void> | undefined
  /** The last connection was refused: the next refusals are not reported. */
  #isFull = false

  private constructor(broker: Broker, options: KafkaServerOptions) {
    this.#broker = broker
    this.#options = options
    this.#active = new ActiveClock(options.clock)
    const { clock, advertised, nodeId = 0 } = options
    const limits = serverLimits(broker, options.limits)
    this.#limits = limits
    this.#context = {
      frameMemory: new FrameMemory(limits.queuedBytesMax, keptFrameBytesMax),
      responseMemory: new FetchMemory(limits.fetchBytesMax, keptResponseBytesMax),
      frameBytesMax: limits.frameBytesMax,
      shared: {
        broker,
        clock,
        nodeId,
        fetchSessions: new FetchSessions({
          slots: limits.fetchSessionsMax,
          random: broker.random,
          nowMs: () => clock.monotonic(),
        }),
      },
      endpointOf: connection => advertised ?? plainAddress(connection.local),
      activeMs: () => this.#active.monotonic(),
      handlerOf: options.handlerOf ?? handlerOf,
      failed: (error, what) => options.onError?.(error, what),
    }
  }

  /**
   * Listens from now on.
   * @throws MillraceError ADDRESS_IN_USE, ADDRESS_UNAVAILABLE, CLOSED
   */
  static async listen(broker: Broker, options: KafkaServerOptions): Promise<KafkaServer> {
    broker.checkOpen()
    const server = new KafkaServer(broker, options)
    const { net, address } = options
    try {
      server.#listener = await net.listen(address, connection => server.#accept(connection))
    } catch (error) {
      throw listeningFailed(error, address)
    }
    // From now on the broker closes the server: if it began to close meanwhile, nobody would.
    try {
      broker.checkOpen()
    } catch (error) {
      await server.close()
      throw error
    }
    broker.attach(server)
    server.#scheduleSweep()
    return server
  }

  /** Where it listens. */
  get address(): Required<NetAddress> {
    return this.#listener.address
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#connections.size
  }

  /** Bytes of requests and responses that are in memory, beside chunks that sockets have received. */
  get lentBytes(): number {
    const { frameMemory, responseMemory } = this.#context
    return frameMemory.lentBytes + responseMemory.lentBytes
  }

  topicDeleted(): void {
    // Its partitions are asked for by name with each request.
  }

  topicGrown(): void {
    // Clients ask for the metadata again by themselves.
  }

  /** Members outside of this process outlive it. */
  async leaveGroups(): Promise<void> {}

  openWriters(): Iterable<never> {
    return []
  }

  /**
   * Accepts no more, answers the requests in progress, and closes all connections. A peer that does not read
   * its answer within 5 s is dropped.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    this.#sweep?.cancel()
    await this.#listener.close()
    for (const connection of this.#connections) connection.end()
    const deadline = this.#options.clock.schedule(closeMsMax, () => {
      for (const connection of this.#connections) connection.destroy()
    })
    await Promise.all(this.#running)
    deadline.cancel()
    this.#broker.detach(this)
  }

  #accept(connection: Connection): void {
    const refusal = this.#refusal(connection)
    if (refusal !== undefined) {
      connection.destroy()
      if (!this.#isFull && !this.#closing)
        this.#context.failed(new MillraceError('LIMIT_EXCEEDED', refusal), 'a new connection')
      this.#isFull = true
      return
    }
    this.#isFull = false
    const client = new ClientConnection(connection, this.#context)
    this.#connections.add(client)
    const running = client.run().finally(() => {
      this.#connections.delete(client)
      this.#running.delete(running)
    })
    this.#running.add(running)
  }

  /** Why there is no room for a connection; undefined: there is. */
  #refusal({ remote: { host } }: Connection): string | undefined {
    const { connectionsMax, connectionsPerHostMax } = this.#limits
    if (this.#closing) return 'The server is closing.'
    if (this.#connections.size >= connectionsMax)
      return `A connection from ${host} was refused: ${connectionsMax} are open, which is max.connections.`
    if (connectionsPerHostMax === Infinity) return undefined
    let sameHost = 0
    for (const each of this.#connections) if (each.host === host) sameHost += 1
    return sameHost < connectionsPerHostMax
      ? undefined
      : `A connection from ${host} was refused: it has ${sameHost}, which is max.connections.per.ip.`
  }

  #scheduleSweep(): void {
    this.#sweep = this.#active.schedule(sweepMs, () => {
      const late = [...this.#connections].filter(connection => this.#isLate(connection))
      if (late.length > 0) void this.#expire(late)
      if (!this.#closing) this.#scheduleSweep()
    })
  }

  /** After a stall of the event loop, timers fire before sockets are read: what has arrived counts. */
  async #expire(late: readonly ClientConnection[]): Promise<void> {
    await this.#options.clock.yield()
    for (const connection of late) if (this.#isLate(connection)) connection.destroy()
  }

  #isLate({ waiting: { for: what, sinceMs } }: ClientConnection): boolean {
    return this.#context.activeMs() - sinceMs > this.#msMax(what)
  }

  #msMax(what: Waiting): number {
    const { idleMsMax, transferMsMax } = this.#limits
    switch (what) {
      case 'request':
        return idleMsMax
      case 'rest of a request':
      case 'peer that reads':
        return transferMsMax
      case 'handler':
      case 'memory':
        // A fetch and a join wait as long as they ask for. Memory comes back from others, within their time.
        return Infinity
    }
  }
}

/** An IPv4 address as such, also where the socket takes both kinds. */
function plainAddress({ host, port }: Required<NetAddress>): Required<NetAddress> {
  return { host: host.startsWith('::ffff:') ? host.slice('::ffff:'.length) : host, port }
}
