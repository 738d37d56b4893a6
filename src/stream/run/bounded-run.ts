/**
 * Runs that end: what they take as the end of the input, and when they have reached it.
 *
 * `'end'` takes the present end of the input as the end of time. A partition at its end is at the end of
 * time, and so is each task after an exchange once all its upstream tasks are. `'now'` only stops there.
 */
import type { LogPort, Reader } from '../../port/index.ts'
import type { InputPartition } from '../task/input-partition.ts'

export class BoundedRun {
  readonly #port: LogPort
  #until: 'end' | 'now' | undefined
  /** The ends of the source partitions; undefined while they are looked up. */
  #ends: Map<InputPartition, number> | undefined
  #isOver = false
  /** {@link finish} was called since the ends were last looked up. */
  #isToFinish = false

  constructor(port: LogPort, until: 'end' | 'now' | undefined) {
    this.#port = port
    this.#until = until
  }

  get isBounded(): boolean {
    return this.#isToFinish || this.#until !== undefined
  }

  /** The last commit of the run has been made. */
  end(): void {
    this.#isOver = true
  }

  /** Whether the run has reached the end of time. */
  get isFinished(): boolean {
    return this.#isOver && this.#until === 'end'
  }

  /** From the next {@link findEnds}, this is a run until `'end'`. */
  finish(): void {
    this.#isToFinish = true
  }

  /** The partitions have changed: their ends must be looked up. */
  partitionsChanged(): void {
    this.#ends = undefined
  }

  /**
   * Looks up the ends of the inputs, if they are not known. A partition that an earlier run has ended keeps
   * the end of that run.
   */
  async findEnds(inputs: ReadonlyMap<string, InputPartition>): Promise<void> {
    if (this.#isToFinish) {
      this.#isToFinish = false
      this.#until = 'end'
      this.#ends = undefined
    }
    if (!this.#until || this.#ends) return
    const ends = new Map<InputPartition, number>()
    for (const input of inputs.values()) {
      const { topic, partition, position } = input
      if (!input.source) continue
      const end = input.isOver
        ? position
        : await this.#port.offsets(topic, partition, 'latest', 'read_committed')
      ends.set(input, end)
    }
    this.#ends = ends
  }

  /** Whether there is nothing to read from the input, for now or at all. */
  isAtEnd(input: InputPartition, reader: Reader): boolean {
    if (input.source && input.isOver) return true
    const end = this.#ends?.get(input)
    return end === undefined ? reader.atEnd(input.topic, input.partition) : input.position >= end
  }

  /** Until `'end'`: ends the event time of the partitions that are at their end. */
  endInputs(inputs: Iterable<InputPartition>): void {
    if (this.#until !== 'end') return
    for (const input of inputs) {
      const end = this.#ends?.get(input)
      if (end !== undefined && input.position >= end) input.source?.end()
    }
  }

  /**
   * Whether every source is at its end, and nothing is known to be left between the stages: time for the last
   * commit.
   */
  hasReadAll(inputs: Iterable<InputPartition>, reader: Reader): boolean {
    if (!this.#until) return false
    for (const input of inputs) {
      const end = this.#ends?.get(input)
      if (end !== undefined) {
        if (input.position < end) return false
      } else if (this.#until === 'end' ? !input.isOver : !reader.atEnd(input.topic, input.partition))
        return false
    }
    return true
  }

  /**
   * After that commit: whether it is the last one. It is not if records that were sent with it to the next
   * stage must still be read.
   */
  async isDone(inputs: ReadonlyMap<string, InputPartition>, reader: Reader): Promise<boolean> {
    if (!this.hasReadAll(inputs.values(), reader)) return false
    if (this.#until === 'end') return true
    for (const input of inputs.values()) {
      const { topic, partition, position } = input
      if (!this.#ends?.has(input) && position < (await this.#port.offsets(topic, partition, 'latest')))
        return false
    }
    return true
  }
}
