/**
 * A network in memory, repeatable from a seed. It has hosts with names, and a latency per connection, so that
 * connections overtake each other. Its faults: connections break, hosts are killed, ways are blocked.
 *
 * Time is the clock's: with a virtual clock nothing arrives until it is advanced. Bytes come cut anywhere, in
 * the order in which they were sent on their connection (simulated-connection.ts). Connections have no order
 * among each other.
 */
import {
  connectTimeoutMsDefault,
  loopback,
  netError,
  seededRandom,
  type Clock,
  type Connection,
  type ConnectOptions,
  type Net,
  type NetAddress,
  type Random,
} from '../base/index.ts'
import { SimulatedConnection, type Weather } from './simulated-connection.ts'

export interface SimulatedNetOptions {
  readonly clock: Clock
  readonly random?: Random
  /** The longest latency of one way; each delivery takes a random time up to it. Default 5 ms. */
  readonly latencyMsMax?: number
  /** Bytes that a connection holds for a reader that does not read. Default 64 KiB. */
  readonly windowBytes?: number
  /** The chance, at each delivery, that the connection breaks. Default 0. */
  readonly cutChance?: number
}

interface Listening {
  readonly host: string
  readonly onConnection: (connection: Connection) => void
}

/** Ports for callers that ask for port 0. */
const firstFreePort = 49_152
const portsPerHost = 65_536 - firstFreePort

export class SimulatedNet {
  readonly #clock: Clock
  readonly #weather: Weather
  readonly #latencyMsMax: number
  /** By `host:port`. */
  readonly #listening = new Map<string, Listening>()
  /** The ends of connections, by the host at which they are. */
  readonly #ends = new Map<string, Set<SimulatedConnection>>()
  /** Raised when a host is killed: its earlier processes are gone. */
  readonly #boots = new Map<string, number>()
  /** Deliveries that wait for a blocked way, by `from>to`. */
  readonly #blocked = new Map<string, (() => void)[]>()
  #nextPort = 0

  constructor(options: SimulatedNetOptions) {
    const { clock, random = seededRandom(1), windowBytes = 64 * 1024, cutChance = 0 } = options
    this.#clock = clock
    this.#latencyMsMax = options.latencyMsMax ?? 5
    const carry: Weather['carry'] = (from, to, arrive) => this.#carry(from, to, arrive)
    this.#weather = { random, windowBytes, cutChance, carry }
  }

  /**
   * The network as a process on a host sees it: it listens there, and reaches the others by their names.
   * After the host is killed every call through it fails with ENETDOWN. Its successor asks for a new view.
   */
  host(name: string): Net {
    const boot = this.#bootOf(name)
    const check = (): void => {
      if (boot !== this.#bootOf(name))
        throw netError('ENETDOWN', `a process on ${name} from before it was killed`)
    }
    return {
      listen: async (address, onConnection) => {
        check()
        const port = address.port === 0 ? this.#freePort(name) : address.port
        const place = `${name}:${port}`
        if (this.#listening.has(place)) throw netError('EADDRINUSE', place)
        const host = this.#resolve(name, address)
        if (host !== name) throw netError('EADDRNOTAVAIL', `${host} is not ${name}`)
        const listening = { host: name, onConnection }
        this.#listening.set(place, listening)
        return {
          address: { host: name, port },
          close: async () => {
            if (this.#listening.get(place) === listening) this.#listening.delete(place)
          },
        }
      },
      connect: async (address, options) => {
        check()
        return this.#connect(name, { host: this.#resolve(name, address), port: address.port }, options)
      },
    }
  }

  /** Kills the process on a host: its connections drop, its ports are free. */
  kill(name: string): void {
    this.#boots.set(name, this.#bootOf(name) + 1)
    for (const [place, { host }] of this.#listening) if (host === name) this.#listening.delete(place)
    for (const end of this.#endsAt(name)) end.destroy()
  }

  /** Breaks every connection of a host. The host and its peers continue. */
  cut(name: string): void {
    for (const end of this.#endsAt(name)) end.cut()
  }

  /**
   * Blocks the way from one host to another, in this direction, without an error. Bytes that are sent
   * meanwhile wait.
   */
  block(from: string, to: string): void {
    const way = `${from}>${to}`
    if (!this.#blocked.has(way)) this.#blocked.set(way, [])
  }

  unblock(from: string, to: string): void {
    const waiting = this.#blocked.get(`${from}>${to}`) ?? []
    this.#blocked.delete(`${from}>${to}`)
    for (const arrive of waiting) this.#carry(from, to, arrive)
  }

  #connect(
    from: string,
    to: Required<NetAddress>,
    { timeoutMs = connectTimeoutMsDefault, signal }: ConnectOptions = {},
  ): Promise<Connection> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error)
      const boot = this.#bootOf(from)
      let settled = false
      const settle = (how: () => void): boolean => {
        if (settled) return false
        settled = true
        timer.cancel()
        signal?.removeEventListener('abort', onAbort)
        how()
        return true
      }
      const place = `${to.host}:${to.port}`
      const timer = this.#clock.schedule(timeoutMs, () =>
        settle(() => reject(netError('ETIMEDOUT', `no connection to ${place} within ${timeoutMs} ms`))),
      )
      const onAbort = (): void => void settle(() => reject(signal?.reason as Error))
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#carry(from, to.host, () => {
        const listening = this.#listening.get(place)
        if (!listening)
          return this.#carry(to.host, from, () => settle(() => reject(netError('ECONNREFUSED', place))))
        const [client, server] = this.#open(from, to)
        listening.onConnection(server)
        this.#carry(to.host, from, () => {
          // The attempt was cancelled or its host killed meanwhile: the system drops the connection.
          if (boot !== this.#bootOf(from) || !settle(() => resolve(client))) client.destroy()
        })
      })
    })
  }

  #open(from: string, to: Required<NetAddress>): [SimulatedConnection, SimulatedConnection] {
    const addresses = [{ host: from, port: this.#freePort(from) }, to] as const
    const pair = SimulatedConnection.pair(this.#weather, addresses, end => {
      this.#endsAt(from).delete(end)
      this.#endsAt(to.host).delete(end)
    })
    this.#endsAt(from).add(pair[0])
    this.#endsAt(to.host).add(pair[1])
    return pair
  }

  #carry(from: string, to: string, arrive: () => void): void {
    const latencyMs = this.#weather.random.next() * this.#latencyMsMax
    this.#clock.schedule(latencyMs, () => {
      const waiting = this.#blocked.get(`${from}>${to}`)
      if (waiting) waiting.push(arrive)
      else arrive()
    })
  }

  #resolve(own: string, { host = loopback }: NetAddress): string {
    return host === loopback || host === 'localhost' || host === '0.0.0.0' ? own : host
  }

  #freePort(host: string): number {
    for (let tries = 0; tries < portsPerHost; tries += 1) {
      const port = firstFreePort + (this.#nextPort++ % portsPerHost)
      if (!this.#listening.has(`${host}:${port}`)) return port
    }
    throw netError('EADDRINUSE', `no port of ${host} is free`)
  }

  #endsAt(host: string): Set<SimulatedConnection> {
    const ends = this.#ends.get(host) ?? new Set()
    this.#ends.set(host, ends)
    return ends
  }

  #bootOf(host: string): number {
    return this.#boots.get(host) ?? 0
  }
}
