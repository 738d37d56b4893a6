/**
 * Fetch sessions (KIP-227): the broker remembers which partitions a consumer reads, and from where. So a
 * request names only what has changed, and a response only what is new.
 *
 * A session belongs to its client by its random id; each request states the next epoch, so that a lost answer
 * is noticed. With all slots taken, the session that was not used for longest gives way, if it was unused for
 * a while; else the client continues without a session, as Kafka's clients do. The number of partitions that
 * all sessions together remember is bounded as well.
 */
import type { Random } from '../../base/index.ts'
import { SessionPartitions, type PartitionRequest } from './session-partitions.ts'

export interface FetchSession {
  readonly id: number
  /** Whether its topics are named by their ids. */
  readonly byIds: boolean
  /** The epoch of the next request. */
  epoch: number
  usedMs: number
  /** Those that had records go to the end. */
  readonly partitions: SessionPartitions
}

export interface FetchSessionsOptions {
  readonly slots: number
  /** Partitions of all sessions together. Default 500,000. */
  readonly partitionsMax?: number | undefined
  readonly random: Random
  readonly nowMs: () => number
}

/** The epochs of requests that begin a session, and of those without one. */
export const initialEpoch = 0
export const finalEpoch = -1

/** A session that was used within this time keeps its slot, as in Kafka. */
const evictableMs = 120_000
const partitionsMaxDefault = 500_000
const int32Max = 0x7fff_ffff

export class FetchSessions {
  readonly #options: FetchSessionsOptions
  /** The session that was not used for longest is the first. */
  readonly #sessions = new Map<number, FetchSession>()
  #partitions = 0

  constructor(options: FetchSessionsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#sessions.size
  }

  get(id: number): FetchSession | undefined {
    return this.#sessions.get(id)
  }

  /** Begins a session; undefined: there is no slot, or there are too many partitions. */
  begin(byIds: boolean, partitions: readonly PartitionRequest[]): FetchSession | undefined {
    if (partitions.length === 0 || !this.#makeRoom(partitions.length)) return undefined
    const session: FetchSession = {
      id: this.#newId(),
      byIds,
      epoch: initialEpoch + 1,
      usedMs: this.#options.nowMs(),
      partitions: new SessionPartitions(partitions),
    }
    this.#sessions.set(session.id, session)
    this.#partitions += session.partitions.size
    return session
  }

  /**
   * The next request of a session: what it changes, and what it drops. False: the session has ended, since
   * there are too many partitions.
   */
  advance(
    session: FetchSession,
    changed: readonly PartitionRequest[],
    forgotten: readonly Pick<PartitionRequest, 'topic' | 'index'>[],
  ): boolean {
    const { partitions } = session
    this.#partitions -= partitions.size
    for (const each of changed) partitions.ask(each)
    for (const each of forgotten) partitions.forget(each)
    this.#partitions += partitions.size
    if (this.#partitions > this.#partitionsMax) {
      this.end(session.id)
      return false
    }
    session.epoch = session.epoch === int32Max ? 1 : session.epoch + 1
    session.usedMs = this.#options.nowMs()
    this.#sessions.delete(session.id)
    this.#sessions.set(session.id, session)
    return true
  }

  end(id: number): void {
    this.#partitions -= this.#sessions.get(id)?.partitions.size ?? 0
    this.#sessions.delete(id)
  }

  get #partitionsMax(): number {
    return this.#options.partitionsMax ?? partitionsMaxDefault
  }

  /** A session that was not used for long gives way to a new one of so many partitions. */
  #makeRoom(partitions: number): boolean {
    const { slots, nowMs } = this.#options
    for (;;) {
      if (this.#sessions.size < slots && this.#partitions + partitions <= this.#partitionsMax) return true
      const [oldest] = this.#sessions.values()
      if (!oldest || nowMs() - oldest.usedMs <= evictableMs) return false
      this.end(oldest.id)
    }
  }

  #newId(): number {
    for (;;) {
      const id = 1 + this.#options.random.int(int32Max)
      if (!this.#sessions.has(id)) return id
    }
  }
}
