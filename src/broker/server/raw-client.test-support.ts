/** A client of Kafka's protocol that sends what a test says, and reads what comes back. */
import { type Connection, type Net, type NetAddress } from '../../base/index.ts'
import {
  correlationIdOf,
  readResponse,
  requestFrame,
  versionsOf,
  type Definition,
  type RequestInput,
  type Response,
} from '../../wire/index.ts'
import { FrameMemory } from './frame-memory.ts'
import { FrameReader } from './frame-reader.ts'

/** The versions in which a request is offered, ascending. */
export function everyVersion({ versions }: Definition): number[] {
  const { min, max } = versionsOf(versions)
  return Array.from({ length: max - min + 1 }, (_, n) => min + n)
}

export class RawClient {
  readonly connection: Connection
  readonly #frames: FrameReader
  #nextId = 1

  private constructor(connection: Connection) {
    this.connection = connection
    this.#frames = new FrameReader({
      resume: () => connection.resume(),
      waiting: () => undefined,
      gone: () => undefined,
      memory: new FrameMemory(Infinity, 0),
      frameBytesMax: 0x7fff_ffff,
      frameBytesMin: 4,
    })
    connection.receive(this.#frames)
  }

  static async connect(net: Net, address: NetAddress): Promise<RawClient> {
    return new RawClient(await net.connect(address))
  }

  /** Sends a request; returns its correlation id. */
  async send<const D extends Definition>(
    definition: D,
    version: number,
    request: RequestInput<D>,
  ): Promise<number> {
    const id = this.#nextId
    this.#nextId += 1
    await this.connection.write(requestFrame(definition, version, id, 'raw', request))
    return id
  }

  /** The next frame; undefined: the broker has closed the connection. */
  async frame(): Promise<Buffer | undefined> {
    const frame = await this.#frames.next()
    const bytes = frame && Buffer.from(frame.bytes)
    this.#frames.handled()
    return bytes
  }

  /** Sends a request and reads its response. */
  async ask<const D extends Definition>(
    definition: D,
    version: number,
    request: RequestInput<D>,
  ): Promise<Response<D>> {
    const id = await this.send(definition, version, request)
    const frame = await this.frame()
    if (!frame) throw new Error(`The broker closed the connection instead of answering ${definition.name}.`)
    if (correlationIdOf(frame) !== id)
      throw new Error(`Answer ${correlationIdOf(frame)} came instead of ${id}.`)
    return readResponse(definition, version, frame)
  }

  close(): void {
    this.connection.destroy()
  }
}
