/**
 * The open partitions of a data directory: by the name of their folder, and by topic and index. The latter is
 * asked for with each request, and makes no text.
 */
import type { Partition } from './partition/partition.ts'

export class OpenPartitions {
  readonly #byName = new Map<string, Partition>()
  readonly #byTopic = new Map<string, Map<number, Partition>>()

  /** By folder, as `orders-0`. */
  get(name: string): Partition | undefined {
    return this.#byName.get(name)
  }

  at(topic: string, index: number): Partition | undefined {
    return this.#byTopic.get(topic)?.get(index)
  }

  values(): IterableIterator<Partition> {
    return this.#byName.values()
  }

  add(partition: Partition): void {
    const { name, topic, index } = partition
    this.#byName.set(name, partition)
    const ofTopic = this.#byTopic.get(topic)
    if (ofTopic) ofTopic.set(index, partition)
    else this.#byTopic.set(topic, new Map([[index, partition]]))
  }

  delete(name: string): void {
    const partition = this.#byName.get(name)
    if (!partition) return
    this.#byName.delete(name)
    const ofTopic = this.#byTopic.get(partition.topic)!
    ofTopic.delete(partition.index)
    if (ofTopic.size === 0) this.#byTopic.delete(partition.topic)
  }
}
