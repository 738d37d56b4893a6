/**
 * The seam for sockets: servers and clients talk to a {@link Net} and never to `node:net`, so that a
 * simulated one can delay, split, cut and partition, all from a seed (`testing/simulated-net`), and so that
 * encryption can come as another Net.
 *
 * What callers may rely on, and all they may rely on:
 * - bytes come in the order in which they were written, cut anywhere: a frame has to say where it ends;
 * - a write that has resolved says only that there is room for more: not that the bytes have left, let alone
 *   arrived;
 * - what arrives is a prefix of what was written. Both `undefined` from {@link Connection.read} and an error
 *   may come in the middle of a frame: a peer that is killed may look as one that has ended its side;
 * - a peer whose machine is gone says nothing at all. Deadlines for answers, slow senders and idle
 *   connections are their owner's, who calls {@link Connection.destroy} when a {@link Clock} says so.
 *
 * Errors are Node's system errors. For listening `code` is EADDRINUSE, EADDRNOTAVAIL or EACCES; for
 * connecting ECONNREFUSED, ENOTFOUND, ETIMEDOUT and others of unreachable peers; a connection that broke has
 * ECONNRESET, EPIPE or ETIMEDOUT, which all mean the same: it is gone.
 */

/**
 * The machine itself, which nobody else reaches: the default, since whatever listens elsewhere has to ask who
 * is there.
 */
export const loopback = '127.0.0.1'

export interface NetAddress {
  /** A name or an IP address. Default {@link loopback}. */
  readonly host?: string
  readonly port: number
}

export interface ConnectOptions {
  /** After so long the attempt is given up, with ETIMEDOUT. Default 10 s; systems wait for minutes. */
  readonly timeoutMs?: number
  /** Gives the attempt up, with the signal's reason; nothing to a connection that stands. */
  readonly signal?: AbortSignal
}

export const connectTimeoutMsDefault = 10_000

export interface Net {
  /**
   * Accepts connections from now on; port 0 takes a free one. `onConnection` is called for each and must not
   * throw; how many it keeps is up to it.
   */
  listen(address: NetAddress, onConnection: (connection: Connection) => void): Promise<Listener>
  connect(address: NetAddress, options?: ConnectOptions): Promise<Connection>
}

export interface Listener {
  /** Where it listens; never port 0. */
  readonly address: Required<NetAddress>
  /** Accepts no more, and frees the port. Connections that stand are not touched. */
  close(): Promise<void>
}

/** A stream of bytes in both directions. An abandoned one stays open: its owner ends or destroys it. */
export interface Connection {
  /** Who is at the other end, as far as can be told. */
  readonly remote: Required<NetAddress>
  /**
   * The bytes that have come, one or more, which are the caller's from then on; undefined when the peer has
   * ended its side. One call at a time. While nobody reads, a bounded amount is taken from the peer, who then
   * waits.
   */
  read(): Promise<Uint8Array | undefined>
  /**
   * Sends the buffers one after the other; resolves when there is room for more. They must not be changed any
   * more: they may leave much later. A writer that does not wait buffers without a bound.
   */
  write(buffers: readonly Uint8Array[]): Promise<void>
  /**
   * Ends this side: the peer gets what was written, then undefined. Reading continues; writing is over, with
   * EPIPE. Resolves when all has left.
   */
  end(): Promise<void>
  /**
   * Drops the connection at once, both ways. Pending and later calls are rejected with ECONNABORTED; the peer
   * may get some of what was written, then an end or an error. Doing it again, or to one that is closed, is
   * fine.
   */
  destroy(): void
}

/** An error as the system gives them. */
export function netError(code: string, what: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${what}`), { code })
}
