/**
 * One connection of the simulated network: two ends, and two streams of bytes between them.
 *
 * A stream delivers written bytes in order, from a queue. After a latency a part arrives, cut anywhere, then
 * the rest after another latency. Bytes in flight or unread fill a window; a writer waits for room in it.
 * Bytes are copied when they arrive, so a change of a buffer before that shows at the other end.
 */
import { netError, type Connection, type NetAddress, type Random } from '../base/index.ts'

/** The behaviour of the network. */
export interface Weather {
  readonly random: Random
  /** Bytes written and not read yet. Past this bound a write waits. */
  readonly windowBytes: number
  /** The chance, at each delivery, that the connection breaks. */
  readonly cutChance: number
  /** Calls back when bytes that are sent now arrive. On a blocked way this is after it is free. */
  carry(from: string, to: string, arrive: () => void): void
}

type Address = Required<NetAddress>

/** Bytes in flight; without bytes, the end of a write. */
interface Written {
  readonly bytes: Uint8Array
  readonly sent?: () => void
}

export class SimulatedConnection implements Connection {
  readonly remote: Address
  readonly local: Address
  readonly #weather: Weather
  readonly #onClosed: () => void
  #peer!: SimulatedConnection
  /** Written and not arrived. */
  #onItsWay: Written[] = []
  /** Arrived and not read. */
  #received: Uint8Array[] = []
  /** Written here and not read there. */
  #windowBytes = 0
  #delivering = false
  /** The connection broke: nothing arrives any more, and each end learns of it later. */
  #severed = false
  #ending: PromiseWithResolvers<void> | undefined
  /** The end of this side has arrived. */
  #endArrived = false
  /** The peer has ended its side, and all before that has arrived. */
  #ended = false
  #failure: Error | undefined
  #reader: PromiseWithResolvers<Uint8Array | undefined> | undefined
  #room: PromiseWithResolvers<void> | undefined

  /** The two ends of a connection; `onClosed` is called for each closed end. */
  static pair(
    weather: Weather,
    [client, server]: readonly [Address, Address],
    onClosed: (end: SimulatedConnection) => void,
  ): [SimulatedConnection, SimulatedConnection] {
    const ends: [SimulatedConnection, SimulatedConnection] = [
      new SimulatedConnection(weather, client, server, () => onClosed(ends[0])),
      new SimulatedConnection(weather, server, client, () => onClosed(ends[1])),
    ]
    ends[0].#peer = ends[1]
    ends[1].#peer = ends[0]
    return ends
  }

  private constructor(weather: Weather, local: Address, remote: Address, onClosed: () => void) {
    this.#weather = weather
    this.local = local
    this.remote = remote
    this.#onClosed = onClosed
  }

  read(): Promise<Uint8Array | undefined> {
    if (this.#reader) return Promise.reject(new TypeError('Another read of this connection is pending.'))
    const bytes = this.#received.shift()
    if (bytes) {
      this.#peer.#makeRoom(bytes.length)
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
    for (const bytes of buffers) {
      if (bytes.length === 0 || this.#severed) continue
      this.#onItsWay.push({ bytes })
      this.#windowBytes += bytes.length
    }
    if (sent && this.#onItsWay.length > 0) this.#onItsWay.push({ bytes: new Uint8Array(0), sent })
    else sent?.()
    this.#deliver()
    if (this.#windowBytes < this.#weather.windowBytes) return Promise.resolve()
    this.#room ??= Promise.withResolvers()
    return this.#room.promise
  }

  end(): Promise<void> {
    if (this.#failure && !this.#ending) return Promise.reject(this.#failure)
    if (!this.#ending) {
      this.#ending = Promise.withResolvers()
      this.#deliver()
    }
    return this.#ending.promise
  }

  destroy(): void {
    const { random } = this.#weather
    this.#received = []
    this.#ended = false
    const open = this.#failure === undefined
    this.#failure = undefined
    this.#fail(netError('ECONNABORTED', 'the connection was dropped on this side'))
    if (!open) return
    // The unread bytes decide what the system still sends, and whether the peer sees an end or an error.
    const left = random.int(2) === 0 ? [] : this.#takePart()
    this.#drop()
    const cleanly = random.int(2) === 0
    this.#weather.carry(this.local.host, this.remote.host, () => {
      for (const bytes of left) this.#peer.#receive(bytes)
      if (cleanly) this.#peer.#receiveEnd()
      else this.#peer.#fail(reset())
    })
  }

  /** The connection breaks, and bytes in flight are lost. */
  cut(): void {
    for (const end of [this, this.#peer]) {
      end.#severed = true
      end.#drop()
      end.#weather.carry(end.remote.host, end.local.host, () => {
        // Some systems also drop bytes that have arrived.
        if (end.#weather.random.int(2) === 0) end.#received = []
        end.#fail(reset())
      })
    }
  }

  /** Sends the next part, unless one is in flight. */
  #deliver(): void {
    if (this.#delivering || this.#failure) return
    if (this.#onItsWay.length === 0 && !this.#ending) return
    this.#delivering = true
    this.#weather.carry(this.local.host, this.remote.host, () => {
      this.#delivering = false
      if (this.#failure || this.#severed) return
      const { random, cutChance } = this.#weather
      if (cutChance > 0 && random.next() < cutChance) return this.cut()
      if (this.#onItsWay.length > 0) {
        for (const bytes of this.#takePart()) this.#peer.#receive(bytes)
        return this.#deliver()
      }
      this.#endArrived = true
      this.#peer.#receiveEnd()
      this.#ending?.resolve()
      if (this.#ended) this.#onClosed()
    })
  }

  /** The first of the bytes in flight: copies. */
  #takePart(): Uint8Array[] {
    const { random } = this.#weather
    const part: Uint8Array[] = []
    const whole = random.int(this.#onItsWay.length + 1)
    for (const { bytes, sent } of this.#onItsWay.splice(0, whole)) {
      if (bytes.length > 0) part.push(new Uint8Array(bytes))
      sent?.()
    }
    const next = this.#onItsWay.shift()
    if (next) {
      const { bytes, sent } = next
      const cut = Math.min(bytes.length, 1 + random.int(bytes.length))
      if (cut > 0) part.push(new Uint8Array(bytes.subarray(0, cut)))
      if (cut < bytes.length) this.#onItsWay.unshift({ bytes: bytes.subarray(cut) })
      sent?.()
    }
    return part
  }

  /** Nothing more leaves. */
  #drop(): void {
    const dropped = this.#onItsWay
    this.#onItsWay = []
    for (const { sent } of dropped) sent?.()
  }

  #receive(bytes: Uint8Array): void {
    // The receiver is gone: the sender learns of it.
    if (this.#failure)
      return this.#weather.carry(this.local.host, this.remote.host, () => this.#peer.#fail(reset()))
    if (this.#reader) {
      this.#reader.resolve(bytes)
      this.#reader = undefined
      this.#peer.#makeRoom(bytes.length)
    } else this.#received.push(bytes)
  }

  #receiveEnd(): void {
    if (this.#failure) return
    this.#ended = true
    this.#reader?.resolve(undefined)
    this.#reader = undefined
    if (this.#endArrived) this.#onClosed()
  }

  #makeRoom(bytes: number): void {
    this.#windowBytes -= bytes
    if (this.#windowBytes >= this.#weather.windowBytes) return
    this.#room?.resolve()
    this.#room = undefined
  }

  #fail(error: Error): void {
    if (this.#failure) return
    this.#failure = error
    this.#drop()
    this.#reader?.reject(error)
    this.#reader = undefined
    this.#room?.reject(error)
    this.#room = undefined
    this.#ending?.reject(error)
    this.#onClosed()
  }
}

function reset(): Error {
  return netError('ECONNRESET', 'the connection broke')
}
