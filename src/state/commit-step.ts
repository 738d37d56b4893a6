/**
 * A commit of a state takes steps of a few milliseconds. The state's owner lets the event loop turn between
 * them.
 */

/** Entries, and bytes of values, that a step takes. */
export const stepEntriesMax = 4096
const stepBytesMax = 1 << 20

/** Counts the work of a step of a commit. */
export class CommitStep {
  #entries = 0
  #bytes = 0

  wrote(bytes: number): void {
    this.#bytes += bytes
  }

  /** Whether the step has done enough, and the next one begins. Called before each entry. */
  isOver(): boolean {
    this.#entries += 1
    if (this.#entries <= stepEntriesMax && this.#bytes < stepBytesMax) return false
    this.#entries = 1
    this.#bytes = 0
    return true
  }
}

/** Runs all steps at once, and returns their result. */
export function inOneGo<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}
