/** The ways into the broker: what it tells them, and what it asks of them. */
import type { OpenWriter } from './apps.ts'

/** A way into the broker: LogPort in process, or Kafka's protocol over TCP. */
export interface Entrance {
  /** A topic was deleted: its readers and members learn of it. Synchronous. */
  topicDeleted(topic: string): void
  /** A topic was created, or has more partitions: members learn of it. Synchronous. */
  topicGrown(topic: string): void
  /** Lets the members that came by this entrance commit and leave. */
  leaveGroups(): Promise<void>
  openWriters(): Iterable<OpenWriter>
  /** Ends readers and writers. The broker still answers, until this resolves. */
  close(): Promise<void>
}

/** All entrances of a broker, as one. */
export class Entrances implements Entrance {
  readonly #entrances = new Set<Entrance>()

  add(entrance: Entrance): void {
    this.#entrances.add(entrance)
  }

  delete(entrance: Entrance): void {
    this.#entrances.delete(entrance)
  }

  topicDeleted(topic: string): void {
    for (const entrance of this.#entrances) entrance.topicDeleted(topic)
  }

  topicGrown(topic: string): void {
    for (const entrance of this.#entrances) entrance.topicGrown(topic)
  }

  async leaveGroups(): Promise<void> {
    for (const entrance of this.#entrances) await entrance.leaveGroups()
  }

  *openWriters(): Generator<OpenWriter> {
    for (const entrance of this.#entrances) yield* entrance.openWriters()
  }

  async close(): Promise<void> {
    for (const entrance of this.#entrances) await entrance.close()
  }
}
