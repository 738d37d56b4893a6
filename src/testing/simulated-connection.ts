/**
 * One connection of the simulated network: two ends, and two streams of bytes between them.
 *
 * A stream delivers written bytes in order, from a queue. After a latency a part arrives, cut anywhere, then
 * the rest after another latency. Bytes in flight or not received fill a window; a writer waits for room in
 * it. Bytes are copied when they arrive, so a change of a buffer before that shows at the other end.
 */
import { netError, type Connection, type NetAddress, type Random, type Receiver } from '../base/index.ts'

/** The behaviour of the network. */
export interface Weather {
  readonly random: Random
  /** Bytes written and not received yet. Past this bound a write waits. */
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
  /** Arrived and not received. */
  #arrived: Uint8Array[] = []
  /** Written here and not received there. */
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
  #receiver: Receiver | undefined
  /** The receiver wants bytes. */
  #isWanted = false
  /** The receiver was told of the end. */
  #told = false
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

  receive(receiver: Receiver): void {
    this.#receiver = receiver
    this.resume()
  }

  resume(): void {
    this.#isWanted = true
    queueMicrotask(() => this.#pour())
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
    this.#arrived = []
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
        if (end.#weather.random.int(2) === 0) end.#arrived = []
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
    this.#arrived.push(bytes)
    this.#pour()
  }

  #receiveEnd(): void {
    if (this.#failure) return
    this.#ended = true
    this.#pour()
    if (this.#endArrived) this.#onClosed()
  }

  /** Gives the receiver what it wants: now and then elsewhere than where it wants it. */
  #pour(): void {
    const receiver = this.#receiver
    if (!receiver) return
    for (let bytes; this.#isWanted && (bytes = this.#arrived.shift());) {
      const space = this.#weather.random.int(4) === 0 ? undefined : receiver.space()
      const length = Math.min(bytes.length, space?.length ?? bytes.length)
      if (length < bytes.length) this.#arrived.unshift(bytes.subarray(length))
      const part = bytes.subarray(0, length)
      space?.set(part)
      this.#peer.#makeRoom(length)
      this.#isWanted = receiver.received(space ? space.subarray(0, length) : part)
      // Its memory is the connection's again.
      if (!space) part.fill(0xdb)
    }
    const isEnd = this.#ended && this.#isWanted && this.#arrived.length === 0
    if (this.#told || !(this.#failure ?? isEnd)) return
    this.#told = true
    receiver.ended(this.#failure)
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
    this.#pour()
    this.#room?.reject(error)
    this.#room = undefined
    this.#ending?.reject(error)
    this.#onClosed()
  }
}

function reset(): Error {
  return netError('ECONNRESET', 'the connection broke')
}
