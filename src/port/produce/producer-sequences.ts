/**
 * What makes a producer idempotent (KIP-98): each of its batches has a sequence number of its partition, and
 * the log takes only the next one. Every client of a log numbers its own batches, in process and over TCP.
 */
import { assert } from '../../base/index.ts'

/** A producer as the log knows it. An epoch fences the one before. */
export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
}

/** What identifies a batch: its producer, and its place among those of its partition. */
export interface SequenceStamp extends ProducerIdentity {
  readonly baseSequence: number
}

/** 0 follows 2^31 - 1. */
const sequenceMask = 0x7fff_ffff

/**
 * The identity of a producer, and the next sequence number of each partition.
 *
 * `P` names a partition, by identity: a topic that was deleted and created again needs new names, for its
 * sequences start at 0.
 */
export class ProducerSequences<P> {
  #identity: ProducerIdentity
  readonly #next = new Map<P, number>()

  constructor(identity: ProducerIdentity) {
    this.#identity = identity
  }

  get identity(): ProducerIdentity {
    return this.#identity
  }

  /** The stamp of the next batch of a partition. It never changes, however often the batch is sent. */
  take(partition: P, count: number): SequenceStamp {
    const baseSequence = this.#next.get(partition) ?? 0
    this.#next.set(partition, (baseSequence + count) & sequenceMask)
    const { producerId, producerEpoch } = this.#identity
    return { producerId, producerEpoch, baseSequence }
  }

  /** The last batch taken for a partition was refused before anything of it was appended. */
  giveBack(partition: P, count: number): void {
    const next = this.#next.get(partition)
    assert(next !== undefined, 'only what was taken is given back')
    this.#next.set(partition, (next - count) & sequenceMask)
  }

  /** The producer continues under an identity. With a new epoch all sequences start at 0. */
  continueAs(identity: ProducerIdentity): void {
    this.#identity = identity
    this.#next.clear()
  }
}
