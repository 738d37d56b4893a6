/** The topics that can be used, by name and by id. */
import type { StoredTopic } from '../internal/metadata.ts'

export class KnownTopics {
  readonly #byName = new Map<string, StoredTopic>()
  readonly #names = new Map<string, string>()

  get(name: string): StoredTopic | undefined {
    return this.#byName.get(name)
  }

  has(name: string): boolean {
    return this.#byName.has(name)
  }

  /** The name of the topic with this id. */
  nameOf(id: string): string | undefined {
    return this.#names.get(id)
  }

  names(): IterableIterator<string> {
    return this.#byName.keys()
  }

  values(): IterableIterator<StoredTopic> {
    return this.#byName.values()
  }

  /** Adds a topic, or puts it in the place of the one of its name. */
  set(topic: StoredTopic): void {
    this.delete(topic.name)
    this.#byName.set(topic.name, topic)
    this.#names.set(topic.id, topic.name)
  }

  /** False: there was none. */
  delete(name: string): boolean {
    const topic = this.#byName.get(name)
    if (topic) this.#names.delete(topic.id)
    return this.#byName.delete(name)
  }
}
