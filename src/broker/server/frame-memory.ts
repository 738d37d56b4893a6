/**
 * The memory of requests that are larger than a chunk of their connection, of all connections of a server
 * (Kafka's `queued.max.request.bytes`). Past the bound a frame that needs more waits.
 *
 * Frames that each hold a part must not wait for each other for ever. So one frame at a time, the first that
 * waited, may pass the bound. The bound is therefore exceeded by one request at the most, and by what its
 * growth copies.
 */
import { LentMemory, type Lender } from '../../base/index.ts'

/** Who borrows: the connection of a frame. */
type Borrower = object

export class FrameMemory implements Lender {
  readonly #memory: LentMemory
  /** The one that may pass the bound. */
  #favoured: Borrower | undefined
  /** In the order in which they came. */
  readonly #waiting = new Map<Borrower, () => void>()

  constructor(bytesMax: number, keptBytesMax: number) {
    this.#memory = new LentMemory({ lentBytesMax: bytesMax, keptBytesMax })
  }

  get lentBytes(): number {
    return this.#memory.lentBytes
  }

  get isScarce(): boolean {
    return this.#memory.isScarce
  }

  lend(bytes: number): Buffer {
    return this.#memory.lend(bytes)
  }

  giveBack(buffer: Buffer): void {
    this.#memory.giveBack(buffer)
    this.#wake()
  }

  forget(buffer: Buffer): void {
    this.#memory.forget(buffer)
    this.#wake()
  }

  /** Undefined: the borrower may borrow now. Otherwise it asks again once the promise has resolved. */
  room(borrower: Borrower): Promise<void> | undefined {
    if (!this.#memory.isScarce) return undefined
    this.#favoured ??= borrower
    if (this.#favoured === borrower) return undefined
    return new Promise(resolve => this.#waiting.set(borrower, resolve))
  }

  /** The borrower's frame is handled, or will never be complete: it waits no more. */
  done(borrower: Borrower): void {
    this.#waiting.get(borrower)?.()
    this.#waiting.delete(borrower)
    if (this.#favoured !== borrower) return
    this.#favoured = undefined
    this.#wake()
  }

  #wake(): void {
    if (this.#waiting.size === 0 || (this.#memory.isScarce && this.#favoured)) return
    const woken = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const resolve of woken) resolve()
  }
}
