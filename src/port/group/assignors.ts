/**
 * How the leader of a group shares partitions: the contract of an assignor, and the ones there are. The names
 * are those on the wire.
 */
import { encodeStructure, type Structure } from '../../wire/index.ts'
import type { TopicPartition } from '../log-port.ts'
import { readNote, type Subscription } from './consumer-protocol.ts'
import { cooperativeSticky } from './cooperative-sticky.ts'
import { millrace } from './millrace.ts'
import { range } from './range.ts'

/** The partition counts of topics that exist. */
export type PartitionCounts = ReadonlyMap<string, number>

/** A member, as the leader sees it. */
export interface Candidate {
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly subscription: Subscription
}

/** What a member gets. */
export interface Share {
  readonly partitions: readonly TopicPartition[]
  /** Partitions that it gets once another member has given them back. */
  readonly withheld: number
  /** Why the member cannot be in this group. */
  readonly refusal?: string | undefined
}

/** What a member says of itself beside its topics and what it has. */
export interface MemberNote {
  /** The sets of topics that are shared together. */
  readonly sets: readonly (readonly string[])[]
  readonly generation: number
  /** The partitions that it works on: they move last. */
  readonly busy: readonly TopicPartition[]
}

export interface Assignor {
  readonly name: AssignorName
  /**
   * `eager`: members give back all partitions before they join again. `cooperative` (KIP-429): they keep
   * them, and give back what the assignment takes from them; it then reaches its new owner in the next round.
   */
  readonly rebalance: 'eager' | 'cooperative'
  userData(note: MemberNote): Uint8Array | undefined
  /** The share of each candidate, in their order. The same input always gives the same result. */
  assign(candidates: readonly Candidate[], counts: PartitionCounts): readonly Share[]
}

/**
 * `range`: of each topic a range of neighbouring numbers. `cooperative-sticky`: as even as possible, with as
 * few moves as possible. `millrace`: for apps, the same number of all topics of a set stays together.
 */
export type AssignorName = 'range' | 'cooperative-sticky' | 'millrace'

export const assignors: Readonly<Record<AssignorName, Assignor>> = {
  range,
  'cooperative-sticky': cooperativeSticky,
  millrace,
}

/**
 * Beside the assignment, for members of ours: what is withheld, and a refusal. Java's members skip it. The
 * mark in front tells it from what other leaders write: librdkafka's return the user data of the member's
 * subscription.
 */
const shareNote = {
  name: 'ShareNote',
  versions: '1',
  flexible: 'none',
  fields: [
    { name: 'mark', type: 'int32' },
    { name: 'withheld', type: 'int32' },
    { name: 'refusal', type: 'string', nullable: '0+' },
  ],
} as const satisfies Structure
const noteVersion = 1
/** `mlr`, and the version. */
const mark = 0x6d_6c_72_01

export function encodeShareNote({ withheld, refusal }: Omit<Share, 'partitions'>): Uint8Array {
  return encodeStructure(shareNote, noteVersion, { mark, withheld, refusal: refusal ?? null })
}

/** A leader of another kind writes none: then nothing is known to be withheld. */
export function decodeShareNote(bytes: Uint8Array | undefined): Omit<Share, 'partitions'> {
  const note = readNote(shareNote, noteVersion, bytes)
  if (note?.mark !== mark) return { withheld: 0 }
  return { withheld: note.withheld, refusal: note.refusal ?? undefined }
}
