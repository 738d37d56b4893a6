/** A member of a group as its program sees it: how it joins, what it is told, how it commits and leaves. */
import type { Committer, OffsetCommit, TopicPartition } from '../log-port.ts'
import type { AssignorName } from './assignors.ts'

export interface GroupOptions {
  readonly group: string
  /**
   * How its members use their partitions: `consumer`, the default, or `streams`, as apps do. All members of a
   * group must agree (INCONSISTENT_GROUP_PROTOCOL): a consumer with the name of an app would take records
   * away from it.
   */
  readonly protocol?: 'consumer' | 'streams'
  /**
   * How the members share partitions, by the names of Kafka's assignors, in the order of preference; all
   * members need one in common. Default `cooperative-sticky`. With `range` members give back everything
   * before each rebalance. Apps have their own, `millrace`.
   */
  readonly assignors?: readonly AssignorName[]
  /**
   * Topics to share, in sets: with `streams` the partitions with one number of all topics of a set go to the
   * same member (co-partitioning), and topics of one set must have one partition count. Consumers share each
   * topic by itself: a set has one topic.
   */
  readonly topics: readonly (readonly string[])[]
  /**
   * Makes the member static (KIP-345). It does not leave the group when it leaves: if it is back within
   * {@link sessionTimeoutMs} with this id and for the same topics, it gets its partitions again, without a
   * rebalance. A second member with the id replaces the first one, whose commits are refused (MEMBER_FENCED).
   */
  readonly instanceId?: string
  /**
   * After this long without a sign of the member its partitions go to others. In process a member that has
   * not left is always there. Default 45 s, as in Kafka.
   */
  readonly sessionTimeoutMs?: number
  /** Called with added partitions, before this member gets them. Awaited. */
  onAssigned(partitions: readonly TopicPartition[], generation: number): Promise<void> | void
  /**
   * Called **before** partitions are given to another member, and awaited: commit here. Bounded by
   * `rebalanceTimeoutMs`.
   */
  onRevoked(partitions: readonly TopicPartition[], generation: number): Promise<void> | void
  /**
   * Called when partitions are gone already, so that nothing can be committed for them any more. The error
   * says why: MEMBER_FENCED for a member that was expelled, UNKNOWN_TOPIC for a topic that was deleted (also
   * where the member had none of its partitions), or the error of {@link onAssigned} or {@link onRevoked}.
   */
  onLost(partitions: readonly TopicPartition[], error: unknown): void
  /**
   * Called at each rebalance: the partitions that the member works on and cannot give away yet, with a
   * promise for the end of that work. They move last, so that no other member waits for it. A member whose
   * work takes longer than `rebalanceTimeoutMs` from there is expelled.
   */
  busy?(): { readonly partitions: readonly TopicPartition[]; readonly done: Promise<unknown> } | undefined
  /**
   * Ends a join that waits for others: the member leaves, and `joinGroup` fails with CLOSED. Once the member
   * has joined it has no effect.
   */
  readonly signal?: AbortSignal
  /**
   * How long {@link onRevoked} and {@link onAssigned} may take, in time in which the process could act.
   * Default 60 s.
   */
  readonly rebalanceTimeoutMs?: number
}

/** A member of a consumer group. */
export interface GroupMembership {
  readonly memberId: string
  /** The generation that the current assignment belongs to; part of each commit. */
  readonly generation: number
  readonly assignment: readonly TopicPartition[]
  /**
   * Commits offsets outside a transaction. During a rebalance no generation is valid: the commit waits, and
   * is made in the next one, without partitions that were lost meanwhile.
   * @throws MillraceError MEMBER_FENCED
   */
  commit(offsets: readonly OffsetCommit[]): Promise<void>
  /**
   * Calls `commit` with what it needs to commit in the name of this member, as in `Writer.commit`.
   * During a rebalance it waits; the next rebalance waits until `commit` has settled.
   * @throws MillraceError MEMBER_FENCED
   */
  committing<T>(commit: (committer: Committer) => Promise<T>): Promise<T>
  /** Gives everything back (onRevoked first) and leaves. */
  leave(): Promise<void>
}
