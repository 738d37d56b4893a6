/** A connection of negligible cost: frames out, frames in, in their order. */
import { connect, type Socket } from 'node:net'
import {
  readResponse,
  requestFrame,
  type Definition,
  type RequestInput,
  type Response,
} from '../../src/wire/index.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** Bytes of the size in front of each frame. */
const sizeBytes = 4
/** The version of each request, which both brokers have. Topics are named, not numbered. */
export const versions = { createTopics: 5, deleteTopics: 4, produce: 9, fetch: 11, listOffsets: 5 }

/** A connection: its answers come in the order of its requests. */
export class RawConnection {
  readonly #socket: Socket
  readonly #waiting: ((frame: Buffer) => void)[] = []
  #chunks: Buffer[] = []
  #bytes = 0
  #wanted = sizeBytes

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => this.#receive(bytes))
  }

  static open(address: Address): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...address, noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => resolve(new RawConnection(socket)))
    })
  }

  /** Sends a frame; `answered` gets the frame that answers it, without its size. */
  send(frame: Uint8Array, answered: (frame: Buffer) => void): void {
    this.#waiting.push(answered)
    this.#socket.write(frame)
  }

  async ask<const D extends Definition>(
    definition: D,
    version: number,
    request: RequestInput<D>,
  ): Promise<Response<D>> {
    const frame = Buffer.concat(requestFrame(definition, version, 1, 'bench', request))
    return readResponse(definition, version, await this.answerTo(frame))
  }

  /** Sends a frame; resolves with the frame that answers it, without its size. */
  answerTo(frame: Uint8Array): Promise<Buffer> {
    return new Promise(resolve => this.send(frame, resolve))
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(bytes: Buffer): void {
    this.#chunks.push(bytes)
    this.#bytes += bytes.length
    if (this.#bytes < this.#wanted) return
    let all = this.#chunks.length === 1 ? bytes : Buffer.concat(this.#chunks)
    while (all.length >= sizeBytes) {
      const end = sizeBytes + all.readInt32BE(0)
      if (all.length < end) break
      this.#waiting.shift()!(all.subarray(sizeBytes, end))
      all = all.subarray(end)
    }
    this.#wanted = all.length < sizeBytes ? sizeBytes : sizeBytes + all.readInt32BE(0)
    this.#chunks = [all]
    this.#bytes = all.length
  }
}
