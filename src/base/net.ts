/**
 * The seam for sockets: servers and clients use a {@link Net} and never `node:net`. So a simulated network
 * can delay, split, cut and partition, all from a seed (`testing/simulated-net`). Encryption can be added as
 * another Net.
 *
 * Callers may rely on this, and on nothing else:
 * - bytes come in the order in which they were written, cut anywhere: a frame must say where it ends;
 * - a resolved write means only that there is room for more, not that the bytes have left or arrived;
 * - the bytes that arrive are a prefix of those that were written. The end, or an error, may come in the
 *   middle of a frame: a killed peer may look like one that has ended its side;
 * - a peer whose machine is gone sends nothing. The owner of a connection sets the deadlines for answers,
 *   slow senders and idleness by a {@link Clock}, and calls {@link Connection.destroy}.
 *
 * Errors are Node's system errors. For listening `code` is EADDRINUSE, EADDRNOTAVAIL or EACCES; for
 * connecting ECONNREFUSED, ENOTFOUND, ETIMEDOUT and others of unreachable peers; a connection that broke has
 * ECONNRESET, EPIPE or ETIMEDOUT, which all mean the same: it is gone.
 */

/** This machine alone. The default, since a server on any other address must authenticate its clients. */
export const loopback = '127.0.0.1'

export interface NetAddress {
  /** A name or an IP address. Default {@link loopback}. */
  readonly host?: string
  readonly port: number
}

export interface ConnectOptions {
  /** The attempt fails with ETIMEDOUT after this time. Default 10 s; systems wait for minutes. */
  readonly timeoutMs?: number
  /** Cancels the attempt, with the signal's reason. Does nothing to an open connection. */
  readonly signal?: AbortSignal
}

export const connectTimeoutMsDefault = 10_000

export interface Net {
  /**
   * Accepts connections from now on; port 0 takes a free one. `onConnection` is called for each and must not
   * throw. It may limit how many it keeps.
   */
  listen(address: NetAddress, onConnection: (connection: Connection) => void): Promise<Listener>
  connect(address: NetAddress, options?: ConnectOptions): Promise<Connection>
}

export interface Listener {
  /** Where it listens; never port 0. */
  readonly address: Required<NetAddress>
  /** Accepts no more connections, and frees the port. Open connections continue. */
  close(): Promise<void>
}

/**
 * What takes the bytes of a connection, in its own memory if it likes: so a large frame needs no copy, and a
 * connection that is idle has no buffer. Called in order, in the turns in which the bytes come. It must not
 * throw.
 */
export interface Receiver {
  /** Where the next bytes are wanted, at least one. They may come elsewhere all the same. */
  space(): Uint8Array | undefined
  /**
   * Some bytes, at least one: at the beginning of {@link space}, or in memory of the connection, which is
   * valid during the call. Returns whether more are wanted; false: they wait for {@link Connection.resume}.
   */
  received(bytes: Uint8Array): boolean
  /** The last call: the peer has ended its side, or the connection is gone, with an error. */
  ended(error: Error | undefined): void
}

/** A stream of bytes in both directions. An abandoned one stays open: its owner ends or destroys it. */
export interface Connection {
  /** The address of the peer, as far as it is known. */
  readonly remote: Required<NetAddress>
  /** The address of this side: of an accepted connection, the one by which the peer came in. */
  readonly local: Required<NetAddress>
  /** Receives from now on; before that, and while it is stopped, the system makes the peer wait. Once. */
  receive(receiver: Receiver): void
  /** The receiver wants more again. It gets them later, and not within this call. */
  resume(): void
  /**
   * Sends the buffers one after the other; resolves when there is room for more. The caller must not change
   * them before `sent` was called: they may leave much later. It is called once: when all have left, or the
   * connection is gone. A writer that does not wait buffers without a bound.
   */
  write(buffers: readonly Uint8Array[], sent?: () => void): Promise<void>
  /**
   * Ends this side: the peer gets what was written, then undefined. Reading continues; writing is over, with
   * EPIPE. Resolves when all has left.
   */
  end(): Promise<void>
  /**
   * Drops the connection at once, both ways. Its receiver, pending and later calls get ECONNABORTED; the peer
   * may get some of what was written, then an end or an error. Safe to call again, or after the end.
   */
  destroy(): void
}

/** An error like those of the system. */
export function netError(code: string, what: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${what}`), { code })
}
