/**
 * Keeps commits of a member apart from its joins. From the moment in which it joins until its sync is
 * answered, no generation is valid for it: the old one passes as soon as all others have joined. So a join
 * waits for the commits in progress, and commits wait for the sync. Then they start in the order of the
 * calls: offsets that overtook each other would go back.
 */
import { MillraceError } from '../../base/index.ts'

/** Commits that wait for one sync. A caller with more of them does not wait for any. */
const waitingMax = 10_000

interface Waiting {
  readonly start: () => void
  readonly reject: (error: unknown) => void
}

export class CommitGate {
  #running = 0
  #isOpen = true
  /** Why commits are refused. */
  #refusal: { readonly error: unknown } | undefined
  #waiting: Waiting[] = []
  #idle: PromiseWithResolvers<void> | undefined

  /** Starts the commit now, or with {@link open}. Throws what {@link refuse} was told. */
  run<T>(commit: () => Promise<T>): Promise<T> {
    if (this.#refusal) return Promise.reject(this.#refusal.error)
    if (this.#isOpen) return this.#start(commit)
    if (this.#waiting.length >= waitingMax)
      return Promise.reject(
        new MillraceError(
          'LIMIT_EXCEEDED',
          `${waitingMax} commits wait for a rebalance to end: await each before the next.`,
        ),
      )
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#waiting.push({ start: () => resolve(this.#start(commit)), reject })
    return promise
  }

  /** Lets no commit start, and resolves when none is in progress. */
  async close(): Promise<void> {
    this.#isOpen = false
    while (this.#running > 0) await (this.#idle ??= Promise.withResolvers()).promise
  }

  /** Starts the commits that wait, in this turn. */
  open(): void {
    this.#isOpen = true
    this.#refusal = undefined
    for (const { start } of this.#waiting.splice(0)) start()
  }

  /** Fails the commits that wait, and later ones, until {@link open}. */
  refuse(error: unknown): void {
    this.#refusal = { error }
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  async #start<T>(commit: () => Promise<T>): Promise<T> {
    this.#running += 1
    try {
      return await commit()
    } finally {
      this.#running -= 1
      if (this.#running === 0) this.#idle?.resolve()
      if (this.#running === 0) this.#idle = undefined
    }
  }
}
