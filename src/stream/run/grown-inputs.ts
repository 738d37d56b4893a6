/**
 * Tells of topics that the app reads and that have got more partitions. A run reads those with which it
 * began: its stages are made for that many tasks.
 *
 * Topics are looked up every five minutes, beside the processing of records. Each is told of once per count.
 */
import { countAgainMs } from '../../port/index.ts'
import type { InstanceContext } from './instance-context.ts'

export class GrownInputs {
  readonly #context: InstanceContext
  /** The counts that are known, by topic. */
  readonly #counts = new Map<string, number>()
  #dueAt: number
  #looking: Promise<void> | undefined
  /** What the user's `onNotice` has thrown. */
  #failure: { readonly error: unknown } | undefined

  constructor(context: InstanceContext) {
    this.#context = context
    this.#dueAt = context.clock.monotonic() + countAgainMs
  }

  /**
   * A commit was made.
   * @throws what the user's `onNotice` threw before
   */
  committed(): void {
    if (this.#failure) throw this.#failure.error
    const now = this.#context.clock.monotonic()
    if (now < this.#dueAt || this.#looking) return
    this.#dueAt = now + countAgainMs
    this.#looking = this.#look().finally(() => (this.#looking = undefined))
  }

  /** Resolves when nothing is looked up. */
  async settled(): Promise<void> {
    await this.#looking
  }

  async #look(): Promise<void> {
    const { plan, port, topics } = this.#context
    const read = [...plan.globals, ...plan.stages.flatMap(stage => stage.sources.map(({ topic }) => topic))]
    const names = new Set(read.map(({ name }) => name))
    for (const name of names) {
      // A log that is closed, or a topic that was deleted, ends the run by itself.
      const found = await port.describeTopic(name).catch(() => undefined)
      const began = topics.partitions(name)
      if (!found || found.partitions <= (this.#counts.get(name) ?? began)) continue
      this.#counts.set(name, found.partitions)
      this.#tell(name, began, found.partitions)
    }
  }

  #tell(topic: string, began: number, now: number): void {
    const { app, settings } = this.#context
    try {
      settings.onNotice(
        `Topic '${topic}' has ${now} partitions. This run of the app '${app}' began with ${began}, and reads no others. ` +
          'Run it again to read all. An app that keeps state by the old count has to start from scratch: { restart: true }.',
      )
    } catch (error) {
      this.#failure = { error }
    }
  }
}
