/**
 * The machine's network: TCP through `node:net` behind the {@link Net} seam. Small frames leave at once (no
 * Nagle), and keep-alive detects dead peers.
 *
 * Node reads into a fresh buffer of 64 KiB each time, which costs more than all else that a broker does with
 * large requests: the garbage collector counts them, and marks the whole heap again and again. With `onread`
 * it reads where it is told. It offers that for the sockets that connect; those that are accepted are opened
 * a second time, over the same handle, to have it too.
 */
import {
  createConnection,
  createServer,
  Socket,
  type AddressInfo,
  type OnReadOpts,
  type SocketConstructorOpts,
} from 'node:net'
import process from 'node:process'
import { assert } from './assert.ts'
import {
  connectTimeoutMsDefault,
  loopback,
  netError,
  type ConnectOptions,
  type Connection,
  type Listener,
  type Net,
  type NetAddress,
  type Receiver,
} from './net.ts'

/**
 * Where bytes land for which no space is offered: of all connections, since each is read, and its receiver
 * called, in one turn.
 */
const landing = Buffer.allocUnsafeSlow(16 * 1024)
/** What is larger does not wait for company. */
const packetBytes = 64 * 1024
const keepAliveMs = 60_000
const socketOptions = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: keepAliveMs,
}

/** Other runtimes know the option, or a part of what it needs, and do something else. */
const readsInPlace = !('bun' in process.versions) && !('deno' in process.versions)

export const nodeNet: Net = { listen, connect }

function listen(
  { host = loopback, port }: NetAddress,
  onConnection: (connection: Connection) => void,
): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = createServer({ ...socketOptions, pauseOnConnect: true }, socket =>
      onConnection(new NodeConnection(onread => reopened(socket, onread)).connected()),
    )
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
    let socket!: Socket
    const connection = new NodeConnection(onread => (socket = opened({ host, port }, onread)))
    const settle = (error?: Error): void => {
      signal?.removeEventListener('abort', onAbort)
      socket.setTimeout(0)
      socket.off('error', settle)
      if (!error) return resolve(connection.connected())
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

/** A socket that connects. */
function opened(address: Required<NetAddress>, onread: OnReadOpts): Socket {
  const options = { ...socketOptions, ...address }
  return readsInPlace
    ? createConnection({ ...options, onread })
    : receiving(createConnection(options), onread)
}

/** An accepted socket, which has read nothing yet. */
function reopened(accepted: Socket, onread: OnReadOpts): Socket {
  // Neither the handle nor the option that takes one is documented; Node itself makes sockets like this.
  const { _handle: handle } = accepted as { _handle?: SocketConstructorOpts['handle'] }
  if (!readsInPlace || !handle) return receiving(accepted, onread)
  const socket = new Socket({ handle, onread, allowHalfOpen: true })
  Object.assign(accepted, { _handle: null })
  accepted.destroy()
  return socket
}

/** Where sockets read as they like. */
function receiving(socket: Socket, onread: OnReadOpts): Socket {
  return socket.on('data', (bytes: Uint8Array) => onread.callback(bytes.length, bytes))
}

let corked: Socket[] = []

/** What is written until the callers have had their turn leaves in one call, and one packet. */
function uncorkSoon(socket: Socket): void {
  if (corked.push(socket) === 1) process.nextTick(uncorkAll)
}

/**
 * The last one first: what took longest to be made is most often what a consumer waits for. The producer
 * whose records those are has its answer ready earlier, and still gets it after.
 */
function uncorkAll(): void {
  const sockets = corked
  corked = []
  for (let n = sockets.length - 1; n >= 0; n -= 1) sockets[n]!.uncork()
}

class NodeConnection implements Connection {
  readonly #socket: Socket
  remote: Required<NetAddress> = { host: '', port: 0 }
  local: Required<NetAddress> = { host: '', port: 0 }
  #receiver: Receiver | undefined
  /** The receiver wants bytes. */
  #isWanted = false
  /** The receiver was told of the end. */
  #ended = false
  #failure: Error | undefined
  /** The pending writes; all continue together. */
  #room: PromiseWithResolvers<void> | undefined
  #ending: Promise<void> | undefined

  constructor(open: (onread: OnReadOpts) => Socket) {
    this.#socket = open({
      buffer: () => this.#space(),
      callback: (length, bytes) =>
        this.#received(length === bytes.length ? bytes : bytes.subarray(0, length)),
    })
    this.#socket
      .pause()
      .on('end', () => this.#end())
      .on('drain', () => {
        this.#room?.resolve()
        this.#room = undefined
      })
      .on('error', error => this.#fail(error))
      .on('close', () => this.#fail(netError('ECONNRESET', 'the connection is closed')))
  }

  /** Now its addresses are known; they stay so once it is gone. */
  connected(): this {
    const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = this.#socket
    this.remote = { host: remoteAddress, port: remotePort }
    this.local = { host: localAddress, port: localPort }
    return this
  }

  receive(receiver: Receiver): void {
    assert(!this.#receiver, 'a connection has one receiver')
    this.#receiver = receiver
    if (this.#failure) queueMicrotask(() => this.#end(this.#failure))
    else this.resume()
  }

  resume(): void {
    this.#isWanted = true
    this.#socket.resume()
  }

  write(buffers: readonly Uint8Array[], sent?: () => void): Promise<void> {
    if (this.#ending || this.#failure) {
      sent?.()
      return Promise.reject(
        this.#ending ? netError('EPIPE', 'this side of the connection has ended') : this.#failure,
      )
    }
    const socket = this.#socket
    let last = buffers.length - 1
    while (last >= 0 && buffers[last]!.length === 0) last -= 1
    if (last === -1) sent?.()
    const isCorked = socket.writableCorked > 0
    if (!isCorked) socket.cork()
    let room = true
    let bytes = 0
    for (let n = 0; n <= last; n += 1) {
      const buffer = buffers[n]!
      bytes += buffer.length
      // A socket that is destroyed calls back as well.
      if (buffer.length > 0) room = socket.write(buffer, n === last ? sent : undefined)
    }
    if (!isCorked && bytes < packetBytes) uncorkSoon(socket)
    else if (!isCorked) socket.uncork()
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
    this.#failure = undefined
    this.#fail(netError('ECONNABORTED', 'the connection was dropped on this side'))
    this.#socket.destroy()
  }

  #space(): Uint8Array {
    return (this.#isWanted ? this.#receiver?.space() : undefined) ?? landing
  }

  #received(bytes: Uint8Array): boolean {
    this.#isWanted = this.#receiver!.received(bytes)
    if (!this.#isWanted) this.#socket.pause()
    return true
  }

  #end(error?: Error): void {
    if (this.#ended || !this.#receiver) return
    this.#ended = true
    this.#receiver.ended(error)
  }

  /** The first failure is the one that counts. */
  #fail(error: Error): void {
    this.#failure ??= error
    this.#end(this.#failure)
    this.#room?.reject(this.#failure)
    this.#room = undefined
  }
}
