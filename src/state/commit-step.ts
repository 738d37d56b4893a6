/**
 * Commits of a state take steps of a few milliseconds, between which their owner lets the event loop turn.
 */

/** Entries, and bytes of values, that a step takes. */
export const stepEntriesMax = 4096
const stepBytesMax = 1 << 20

/** Counts what a step of a commit has done. */
export class CommitStep {
  #entries = 0
  #bytes = 0

  wrote(bytes: number): void {
    this.#bytes += bytes
  }

  /** Asked before each entry: whether the step has done enough, and the next one begins. */
  isOver(): boolean {
    this.#entries += 1
    if (this.#entries <= stepEntriesMax && this.#bytes < stepBytesMax) return false
    this.#entries = 1
    this.#bytes = 0
    return true
  }
}

/** Takes all steps at once, and gives their result. */
export function inOneGo<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}
