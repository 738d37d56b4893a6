/** A network within one process, without time: what is written to a connection can be read at once. */
import { netError, type Connection, type Net, type Receiver } from '../../../src/base/index.ts'

const address = { host: '127.0.0.1', port: 9092 }

/** The broker's end of a connection; the test is the peer. */
export class MemoryConnection implements Connection {
  readonly remote = { host: '127.0.0.1', port: 40_000 }
  readonly local = address
  /** What the broker has written. */
  readonly written: Uint8Array[] = []
  /** The broker has ended or dropped the connection. */
  isOver = false
  #toRead: Uint8Array[] = []
  #isEnded = false
  #receiver: Receiver | undefined
  #isWanted = false

  /** The peer sends, and at last ends. */
  send(chunks: readonly Uint8Array[], isEnd: boolean): void {
    this.#toRead.push(...chunks)
    this.#isEnded ||= isEnd
    queueMicrotask(() => this.#pour())
  }

  receive(receiver: Receiver): void {
    this.#receiver = receiver
    this.resume()
  }

  resume(): void {
    this.#isWanted = true
    queueMicrotask(() => this.#pour())
  }

  #pour(): void {
    const receiver = this.#receiver
    if (!receiver || this.isOver) return
    for (let bytes; this.#isWanted && (bytes = this.#toRead.shift());) {
      const space = receiver.space() ?? bytes
      const part = bytes.subarray(0, space.length)
      if (part.length < bytes.length) this.#toRead.unshift(bytes.subarray(part.length))
      space.set(part)
      this.#isWanted = receiver.received(space.subarray(0, part.length))
    }
    if (!this.#isWanted || !this.#isEnded || this.isOver) return
    this.#receiver = undefined
    receiver.ended(undefined)
  }

  async write(buffers: readonly Uint8Array[], sent?: () => void): Promise<void> {
    // A copy: what was lent is used again after `sent`.
    if (!this.isOver) this.written.push(Buffer.concat(buffers))
    sent?.()
    if (this.isOver) throw netError('ECONNABORTED', 'dropped')
  }

  async end(): Promise<void> {
    this.isOver = true
  }

  destroy(): void {
    this.isOver = true
    this.#receiver?.ended(netError('ECONNABORTED', 'dropped'))
    this.#receiver = undefined
  }
}

export class MemoryNet implements Net {
  #onConnection: ((connection: Connection) => void) | undefined

  async listen(
    _address: unknown,
    onConnection: (connection: Connection) => void,
  ): Promise<{ readonly address: typeof address; close(): Promise<void> }> {
    this.#onConnection = onConnection
    return { address, close: async () => void (this.#onConnection = undefined) }
  }

  connect(): Promise<Connection> {
    return Promise.reject(netError('ECONNREFUSED', 'only `open` connects'))
  }

  open(): MemoryConnection {
    const connection = new MemoryConnection()
    this.#onConnection!(connection)
    return connection
  }
}
