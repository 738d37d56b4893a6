/**
 * The machine's network: TCP through `node:net` behind the {@link Net} seam. Small frames leave at once (no
 * Nagle), and keep-alive detects dead peers.
 */
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net'
import {
  connectTimeoutMsDefault,
  loopback,
  netError,
  type ConnectOptions,
  type Connection,
  type Listener,
  type Net,
  type NetAddress,
} from './net.ts'

/** Received bytes that wait for a reader; past this no more is taken from the system. */
const receivedBytesMax = 256 * 1024
const keepAliveMs = 60_000
const socketOptions = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: keepAliveMs,
}

export const nodeNet: Net = { listen, connect }

function listen(
  { host = loopback, port }: NetAddress,
  onConnection: (connection: Connection) => void,
): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = createServer(socketOptions, socket => onConnection(new NodeConnection(socket)))
    // Later ones, as when the process has no descriptor for a new connection, end nothing.
    server.on('error', reject)
    server.listen({ host, port, exclusive: true }, () => {
      const bound = server.address() as AddressInfo
      resolve({
        address: { host: bound.address, port: bound.port },
        close: () => {
          // The callback of `close` would wait for the connections; the port is free without it.
          server.close()
          return Promise.resolve()
        },
      })
    })
  })
}

function connect(
  { host = loopback, port }: NetAddress,
  { timeoutMs = connectTimeoutMsDefault, signal }: ConnectOptions = {},
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error)
    const socket = createConnection({ ...socketOptions, host, port })
    const settle = (error?: Error): void => {
      signal?.removeEventListener('abort', onAbort)
      socket.setTimeout(0)
      socket.off('error', settle)
      if (!error) return resolve(new NodeConnection(socket))
      socket.on('error', () => {}).destroy()
      reject(error)
    }
    const onAbort = (): void => settle(signal?.reason as Error)
    signal?.addEventListener('abort', onAbort, { once: true })
    socket.setTimeout(timeoutMs, () =>
      settle(netError('ETIMEDOUT', `no connection to ${host}:${port} within ${timeoutMs} ms`)),
    )
    socket.once('error', settle)
    socket.once('connect', () => settle())
  })
}

class NodeConnection implements Connection {
  readonly remote: Required<NetAddress>
  readonly local: Required<NetAddress>
  readonly #socket: Socket
  #received: Uint8Array[] = []
  #receivedBytes = 0
  #ended = false
  #failure: Error | undefined
  /** The pending read. */
  #reader: PromiseWithResolvers<Uint8Array | undefined> | undefined
  /** The pending writes; all continue together. */
  #room: PromiseWithResolvers<void> | undefined
  #ending: Promise<void> | undefined

  constructor(socket: Socket) {
    this.#socket = socket
    this.remote = { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
    this.local = { host: socket.localAddress ?? '', port: socket.localPort ?? 0 }
    socket
      .on('data', (bytes: Uint8Array) => this.#receive(bytes))
      .on('end', () => {
        this.#ended = true
        this.#reader?.resolve(undefined)
        this.#reader = undefined
      })
      .on('drain', () => {
        this.#room?.resolve()
        this.#room = undefined
      })
      .on('error', error => this.#fail(error))
      .on('close', () => this.#fail(netError('ECONNRESET', 'the connection is closed')))
  }

  read(): Promise<Uint8Array | undefined> {
    if (this.#reader) return Promise.reject(new TypeError('Another read of this connection is pending.'))
    const bytes = this.#received.shift()
    if (bytes) {
      this.#receivedBytes -= bytes.length
      if (this.#receivedBytes < receivedBytesMax && this.#socket.isPaused()) this.#socket.resume()
      return Promise.resolve(bytes)
    }
    if (this.#ended) return Promise.resolve(undefined)
    if (this.#failure) return Promise.reject(this.#failure)
    this.#reader = Promise.withResolvers()
    return this.#reader.promise
  }

  write(buffers: readonly Uint8Array[], sent?: () => void): Promise<void> {
    if (this.#ending || this.#failure) {
      sent?.()
      return Promise.reject(
        this.#ending ? netError('EPIPE', 'this side of the connection has ended') : this.#failure,
      )
    }
    const socket = this.#socket
    const last = sent && buffers.findLastIndex(({ length }) => length > 0)
    if (last === -1) sent?.()
    // Corked, so that the buffers leave in one call and one packet.
    socket.cork()
    let room = true
    for (const [index, buffer] of buffers.entries())
      // A socket that is destroyed calls back as well.
      if (buffer.length > 0) room = socket.write(buffer, index === last ? sent : undefined)
    socket.uncork()
    if (room) return Promise.resolve()
    this.#room ??= Promise.withResolvers()
    return this.#room.promise
  }

  end(): Promise<void> {
    if (this.#failure && !this.#ending) return Promise.reject(this.#failure)
    this.#ending ??= new Promise((resolve, reject) => {
      this.#socket.end((error?: Error | null) => (error ? reject(this.#failure ?? error) : resolve()))
    })
    return this.#ending
  }

  destroy(): void {
    this.#received = []
    this.#ended = false
    this.#failure = undefined
    this.#fail(netError('ECONNABORTED', 'the connection was dropped on this side'))
    this.#socket.destroy()
  }

  #receive(bytes: Uint8Array): void {
    if (this.#reader) {
      this.#reader.resolve(bytes)
      this.#reader = undefined
      return
    }
    this.#received.push(bytes)
    this.#receivedBytes += bytes.length
    if (this.#receivedBytes >= receivedBytesMax) this.#socket.pause()
  }

  /** The first failure is the one that counts. */
  #fail(error: Error): void {
    this.#failure ??= error
    this.#reader?.reject(this.#failure)
    this.#reader = undefined
    this.#room?.reject(this.#failure)
    this.#room = undefined
  }
}
