/** The topics that can be used, by name and by id. */
import type { StoredTopic } from '../internal/metadata.ts'

export class KnownTopics {
  readonly #byName = new Map<string, StoredTopic>()
  readonly #names = new Map<string, string>()
  /** Names by what {@link flattened} makes of them. */
  readonly #flattened = new Map<string, string>()

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

  /** The name of a topic that differs from this one only in dots and underscores. */
  nameLike(name: string): string | undefined {
    const other = this.#flattened.get(flattened(name))
    return other === name ? undefined : other
  }

  values(): IterableIterator<StoredTopic> {
    return this.#byName.values()
  }

  /** Adds a topic, or puts it in the place of the one of its name. */
  set(topic: StoredTopic): void {
    this.delete(topic.name)
    this.#byName.set(topic.name, topic)
    this.#names.set(topic.id, topic.name)
    this.#flattened.set(flattened(topic.name), topic.name)
  }

  /** False: there was none. */
  delete(name: string): boolean {
    const topic = this.#byName.get(name)
    if (topic) this.#names.delete(topic.id)
    if (this.#flattened.get(flattened(name)) === name) this.#flattened.delete(flattened(name))
    return this.#byName.delete(name)
  }
}

/** Names that are the same in the metrics of a cluster, which have no dots. */
export function flattened(name: string): string {
  return name.replaceAll('.', '_')
}
