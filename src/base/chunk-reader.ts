/** Reads a connection by calls: for those to whom speed does not matter. */
import type { Connection, Receiver } from './net.ts'

export class ChunkReader implements Receiver {
  readonly #connection: Connection
  #chunk: Uint8Array | undefined
  #end: { readonly error: Error | undefined } | undefined
  #reader: PromiseWithResolvers<Uint8Array | undefined> | undefined

  constructor(connection: Connection) {
    this.#connection = connection
    connection.receive(this)
  }

  /**
   * The next bytes, at least one; the caller owns them. Undefined once the peer has ended its side. One call
   * at a time.
   */
  read(): Promise<Uint8Array | undefined> {
    if (this.#reader) return Promise.reject(new TypeError('Another read of this connection is pending.'))
    const chunk = this.#chunk
    if (chunk) {
      this.#chunk = undefined
      this.#connection.resume()
      return Promise.resolve(chunk)
    }
    if (this.#end?.error) return Promise.reject(this.#end.error)
    if (this.#end) return Promise.resolve(undefined)
    this.#reader = Promise.withResolvers()
    return this.#reader.promise
  }

  space(): undefined {
    return undefined
  }

  received(bytes: Uint8Array): boolean {
    const chunk = new Uint8Array(bytes)
    if (this.#reader) this.#reader.resolve(chunk)
    else this.#chunk = chunk
    this.#reader = undefined
    return this.#chunk === undefined
  }

  ended(error: Error | undefined): void {
    this.#end = { error }
    if (error) this.#reader?.reject(error)
    else this.#reader?.resolve(undefined)
    this.#reader = undefined
  }
}
