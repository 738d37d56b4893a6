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
const memoryBytesMin = 64 * 1024
/** Memory holds so many frames of the largest size so far. */
const framesInMemory = 4
/** The version of each request, which both brokers have. Topics are named, not numbered. */
export const versions = { createTopics: 5, deleteTopics: 4, produce: 9, fetch: 11, listOffsets: 5 }

/**
 * A connection: its answers come in the order of its requests. Answers are read into two memories in turns:
 * for a fetch of 1 MiB new buffers and their copies would take most of the time.
 */
export class RawConnection {
  readonly #socket: Socket
  readonly #waiting: ((frame: Buffer) => void)[] = []
  #memory: Buffer = Buffer.allocUnsafeSlow(memoryBytesMin)
  #other: Buffer = Buffer.allocUnsafeSlow(memoryBytesMin)
  /** What has been received and not yet answered lies from #from to #to. */
  #from = 0
  #to = 0
  /** Of the next frame, with its size. */
  #wanted = sizeBytes

  private constructor(address: Address, opened: (connection: RawConnection) => void) {
    this.#socket = connect({
      ...address,
      noDelay: true,
      onread: {
        buffer: () => this.#room(),
        callback: bytes => {
          this.#receive(bytes)
          return true
        },
      },
    })
    this.#socket.once('connect', () => opened(this))
  }

  static open(address: Address): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      new RawConnection(address, resolve).#socket.once('error', reject)
    })
  }

  /**
   * Sends a frame; `answered` gets the frame that answers it, without its size. It is valid until a few more
   * frames have come.
   */
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

  /** Where to read to: room for the rest of the next frame, at least. */
  #room(): Buffer {
    const bytes = framesInMemory * this.#wanted
    if (this.#memory.length < bytes || this.#memory.length - this.#from < this.#wanted) {
      const next = this.#other.length < bytes ? Buffer.allocUnsafeSlow(bytes) : this.#other
      this.#memory.copy(next, 0, this.#from, this.#to)
      this.#other = this.#memory
      this.#memory = next
      this.#to -= this.#from
      this.#from = 0
    }
    return this.#memory.subarray(this.#to)
  }

  #receive(bytes: number): void {
    this.#to += bytes
    const memory = this.#memory
    for (;;) {
      const received = this.#to - this.#from
      this.#wanted = received < sizeBytes ? sizeBytes : sizeBytes + memory.readInt32BE(this.#from)
      if (received < this.#wanted) return
      const frame = memory.subarray(this.#from + sizeBytes, this.#from + this.#wanted)
      this.#from += this.#wanted
      this.#waiting.shift()!(frame)
    }
  }
}
