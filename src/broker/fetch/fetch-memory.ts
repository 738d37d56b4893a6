/**
 * The memory of fetched records that wait for their readers, of all connections of a server. Past its bound
 * memory is scarce, and each fetch gets little. Past twice the bound a fetch waits until some comes back: so
 * that no number of readers that do not read can fill the memory of the process.
 */
import { LentMemory, type Lender } from '../../base/index.ts'

export class FetchMemory implements Lender {
  readonly #memory: LentMemory
  readonly #bytesMax: number
  readonly #waiting = new Set<() => void>()

  constructor(bytesMax: number, keptBytesMax: number) {
    this.#bytesMax = bytesMax
    this.#memory = new LentMemory({ lentBytesMax: bytesMax, keptBytesMax })
  }

  get lentBytes(): number {
    return this.#memory.lentBytes
  }

  get isScarce(): boolean {
    return this.#memory.isScarce
  }

  /** Nothing should be read before some memory has come back: see {@link whenBack}. */
  get isExhausted(): boolean {
    return this.#memory.lentBytes >= 2 * this.#bytesMax
  }

  lend(bytes: number): Buffer {
    return this.#memory.lend(bytes)
  }

  giveBack(buffer: Buffer): void {
    this.#memory.giveBack(buffer)
    this.#notify()
  }

  forget(buffer: Buffer): void {
    this.#memory.forget(buffer)
    this.#notify()
  }

  /** Calls `listener` once, when there is room again. Returns a function that withdraws it. */
  whenBack(listener: () => void): () => void {
    this.#waiting.add(listener)
    return () => this.#waiting.delete(listener)
  }

  #notify(): void {
    if (this.#waiting.size === 0 || this.isExhausted) return
    const woken = [...this.#waiting]
    this.#waiting.clear()
    for (const listener of woken) listener()
  }
}
