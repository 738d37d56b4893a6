/** The partitions of a fetch session: in the order in which they are read, and found by topic and index. */

/** A partition that is read, and what its reader was told of it. */
export interface SessionPartition {
  /** The name or the id of the topic, as requests state it. */
  readonly topic: string
  readonly index: number
  offset: number
  bytesMax: number
  leaderEpoch: number
  lastFetchedEpoch: number
  /** As told last; -1: to be told again. */
  highWatermark: number
  logStartOffset: number
}

/** What a request says of a partition. */
export type PartitionRequest = Omit<SessionPartition, 'highWatermark' | 'logStartOffset'>

export class SessionPartitions implements Iterable<SessionPartition> {
  readonly #inOrder = new Set<SessionPartition>()
  readonly #byTopic = new Map<string, Map<number, SessionPartition>>()

  /** What is said last of a partition counts. */
  constructor(asked: readonly PartitionRequest[]) {
    for (const each of asked) this.ask(each)
  }

  get size(): number {
    return this.#inOrder.size
  }

  [Symbol.iterator](): Iterator<SessionPartition> {
    return this.#inOrder.values()
  }

  /** Adds a partition at the end, or changes what is asked of one. */
  ask(request: PartitionRequest): void {
    const { topic, index, offset, bytesMax, leaderEpoch, lastFetchedEpoch } = request
    let ofTopic = this.#byTopic.get(topic)
    if (!ofTopic) this.#byTopic.set(topic, (ofTopic = new Map()))
    const known = ofTopic.get(index)
    if (known) {
      known.offset = offset
      known.bytesMax = bytesMax
      known.leaderEpoch = leaderEpoch
      known.lastFetchedEpoch = lastFetchedEpoch
      return
    }
    const added: SessionPartition = {
      topic,
      index,
      offset,
      bytesMax,
      leaderEpoch,
      lastFetchedEpoch,
      highWatermark: -1,
      logStartOffset: -1,
    }
    ofTopic.set(index, added)
    this.#inOrder.add(added)
  }

  forget({ topic, index }: Pick<SessionPartition, 'topic' | 'index'>): void {
    const ofTopic = this.#byTopic.get(topic)
    const known = ofTopic?.get(index)
    if (!ofTopic || !known) return
    this.#inOrder.delete(known)
    ofTopic.delete(index)
    if (ofTopic.size === 0) this.#byTopic.delete(topic)
  }

  /** It is read after all others next time. */
  moveToEnd(partition: SessionPartition): void {
    if (this.#inOrder.delete(partition)) this.#inOrder.add(partition)
  }
}
