/** The topic of a delivery: whether it is there, and where the delivery begins and ends in it. */
import { MillraceError, type Clock } from '../base/index.ts'
import { type DeclaredTopic, type LogPort, topicToRead, type TopicPartition } from '../port/index.ts'
import type { Offsets } from './sink.ts'

/**
 * How long a delivery waits for its topic to be created: an app that was started with it does that in its
 * first moments.
 */
const topicWaitMsMax = 10_000
const topicPollMs = 20

export class DeliveredTopic {
  readonly #log: LogPort
  readonly #topic: DeclaredTopic
  readonly #sink: string
  readonly #clock: Clock

  constructor(log: LogPort, topic: DeclaredTopic, sink: string, clock: Clock) {
    this.#log = log
    this.#topic = topic
    this.#sink = sink
    this.#clock = clock
  }

  /** Whether it is there, or can be created. One that is missing is waited for as long as `waits` says. */
  async appears(waits: () => boolean): Promise<boolean> {
    const { name, partitions } = this.#topic
    if (partitions !== undefined) return true
    const giveUpAt = this.#clock.monotonic() + topicWaitMsMax
    while (!(await this.#log.describeTopic(name))) {
      if (!waits() || this.#clock.monotonic() >= giveUpAt) return false
      await this.#clock.sleep(topicPollMs)
    }
    return true
  }

  /** Its partition count. It is created where it declares one and is missing. */
  async partitions(): Promise<number> {
    const needs = `which is delivered to '${this.#sink}'`
    return (await topicToRead(this.#log, this.#topic, { needs })).partitions
  }

  /** Its partition count now. If that is not known, 0: what a deleted topic means, its reader says. */
  async count(): Promise<number> {
    const found = await this.#log.describeTopic(this.#topic.name).catch(() => undefined)
    return found?.partitions ?? 0
  }

  async id(): Promise<string> {
    const found = await this.#log.describeTopic(this.#topic.name)
    if (found) return found.id
    throw this.deleted()
  }

  /** It was deleted while the delivery was starting. */
  deleted(): MillraceError {
    return new MillraceError(
      'UNKNOWN_TOPIC',
      `The topic '${this.#topic.name}' was deleted while its delivery to '${this.#sink}' was starting. Start the delivery again.`,
    )
  }

  /** Its readable ends, by partition. */
  ends(partitions: number): Promise<number[]> {
    return this.#each(partitions, partition =>
      this.#log.offsets(this.#topic.name, partition, 'latest', 'read_committed'),
    )
  }

  /** Where a delivery begins, when the target has the offsets `committed`. */
  starts(partitions: number, committed: Offsets): Promise<(TopicPartition & { readonly offset: number })[]> {
    return this.#each(partitions, async partition => ({
      topic: this.#topic.name,
      partition,
      offset: await this.#start(partition, committed.get(partition)),
    }))
  }

  /** Refuses offsets that the topic does not have: the target was loaded from another one. */
  async #start(partition: number, committed: number | undefined): Promise<number> {
    const { name } = this.#topic
    const earliest = await this.#log.offsets(name, partition, 'earliest')
    if (committed === undefined) return earliest
    const latest = await this.#log.offsets(name, partition, 'latest', 'read_uncommitted')
    if (earliest <= committed && committed <= latest) return committed
    throw new MillraceError(
      'OFFSET_OUT_OF_RANGE',
      `The target of '${this.#sink}' is at offset ${committed} of ${name}, partition ${partition}, which holds ${earliest} to ${latest}: records between them are lost. Restore the log from a backup, or load this topic from its start into a new target, with a sink of another name.`,
    )
  }

  #each<T>(partitions: number, ask: (partition: number) => Promise<T>): Promise<T[]> {
    return Promise.all(Array.from({ length: partitions }, (_, partition) => ask(partition)))
  }
}
