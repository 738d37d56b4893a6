/**
 * Purges the topics between the stages behind the commits of their readers, as Kafka Streams does with its
 * repartition topics (KIP-811: `repartition.purge.interval.ms`).
 *
 * Nothing reads a record between the stages again once its reader has committed past it. A purge deletes up
 * to the offsets that were committed at the purge before, so that `durability: 'os'` has had the time to
 * write them. The first purge of a run deletes what the last run had read: short runs purge, too.
 *
 * A purge that fails does not end the run. The next one deletes what it did not, and a refusal that will not
 * pass is reported once.
 */
import { type Clock, isMillraceError } from '../../base/index.ts'
import type { LogPort, TopicPartition } from '../../port/index.ts'
import type { InputPartition } from '../task/input-partition.ts'
import { type InstanceContext, keyOf } from './instance-context.ts'

/** The time between two purges: as in Kafka Streams. */
const intervalMs = 30_000

/** A partition, and the offset up to which its records are not needed. */
type Passed = TopicPartition & { readonly offset: number }

export class Purge {
  readonly #app: string
  readonly #port: LogPort
  readonly #clock: Clock
  readonly #onNotice: (message: string) => void
  /** The offsets that were committed at the last purge, by partition. */
  readonly #committed = new Map<string, number>()
  #dueAt = Number.NEGATIVE_INFINITY
  #purging: Promise<void> | undefined
  #hasReported = false
  /** What {@link #onNotice} has thrown. */
  #failure: { readonly error: unknown } | undefined

  constructor({ app, clock, port, settings }: InstanceContext) {
    this.#app = app
    this.#port = port
    this.#clock = clock
    this.#onNotice = settings.onNotice
  }

  /** An input begins at the commit of its last owner, or of the last run. */
  begins(input: InputPartition): void {
    if (!input.source) this.#committed.set(keyOf(input), input.position)
  }

  /** Forgets inputs that have another owner now. */
  forget(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#committed.delete(keyOf(partition))
  }

  /**
   * The positions of the inputs have been committed. The purge runs beside the processing of records.
   * @throws what the user's `onNotice` threw in a purge before
   */
  committed(inputs: Iterable<InputPartition>): void {
    if (this.#failure) throw this.#failure.error
    const now = this.#clock.monotonic()
    if (now < this.#dueAt || this.#purging) return
    this.#dueAt = now + intervalMs
    const passed: Passed[] = []
    for (const input of inputs) {
      if (input.source) continue
      const { topic, partition, position } = input
      const offset = this.#committed.get(keyOf(input)) ?? 0
      if (offset > 0) passed.push({ topic, partition, offset })
      this.#committed.set(keyOf(input), position)
    }
    if (passed.length > 0) this.#purging = this.#delete(passed)
  }

  /** Resolves when no purge runs. */
  async settled(): Promise<void> {
    await this.#purging
  }

  async #delete(passed: readonly Passed[]): Promise<void> {
    try {
      for (const { topic, partition, offset } of passed) await this.#deleteFrom(topic, partition, offset)
    } catch (error) {
      this.#failure = { error }
    } finally {
      this.#purging = undefined
    }
  }

  async #deleteFrom(topic: string, partition: number, offset: number): Promise<void> {
    try {
      await this.#port.admin.deleteRecords(topic, partition, offset, { app: this.#app })
    } catch (error) {
      this.#failed(topic, partition, error)
    }
  }

  /** A log that is closed, or a disk that fails, ends the run at its next commit. */
  #failed(topic: string, partition: number, error: unknown): void {
    const mayPass = isMillraceError(error) && (error.retriable || error.code === 'CLOSED')
    if (mayPass || this.#hasReported) return
    this.#hasReported = true
    this.#onNotice(
      `The app '${this.#app}' cannot delete the records that it has read from topic '${topic}', partition ${partition}, between two of its stages, so the topic grows. ` +
        `Results are not affected. Reason: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}
