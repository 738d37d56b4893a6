/**
 * The members of one group as data: who they are, which of them are static, and which protocol they share.
 */
import { MillraceError, type Timer } from '../../base/index.ts'
import type { GroupProtocol, JoinedGroup, JoinGroup, SyncedGroup } from '../../port/index.ts'
import type { KeptMember } from '../offsets/group-records.ts'

/** A member as its coordinator knows it. */
export interface Member {
  readonly id: string
  readonly instanceId: string | undefined
  clientId: string
  clientHost: string
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  protocols: readonly GroupProtocol[]
  assignment: Uint8Array
  /** Until its first join is answered: it does not know its id before, and sends no heartbeats. */
  isNew: boolean
  /** Its join, until that is answered. */
  join: PromiseWithResolvers<JoinedGroup> | undefined
  /** Its sync, until that is answered. */
  sync: PromiseWithResolvers<SyncedGroup> | undefined
  /** Its heartbeats that wait for the next rebalance. */
  woken: PromiseWithResolvers<void>
  /** Removes it at the end of its session. */
  session: Timer | undefined
  /** Set by `Sessions.watch`. */
  alive: AbortSignal | undefined
  /** False once it was removed. */
  isThere: boolean
}

export const noBytes: Uint8Array = new Uint8Array(0)

export function newMember(id: string, request: JoinGroup): Member {
  const { instanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocols } = request
  return {
    ...emptyMember(id, instanceId),
    clientId,
    clientHost,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    protocols,
    isNew: true,
  }
}

/** A member of an earlier run of this broker. */
export function keptMember(kept: KeptMember, protocol: string): Member {
  const { memberId, instanceId, subscription, ...others } = kept
  return {
    ...emptyMember(memberId, instanceId),
    ...others,
    protocols: [{ name: protocol, metadata: subscription }],
  }
}

function emptyMember(id: string, instanceId: string | undefined): Member {
  return {
    id,
    instanceId,
    clientId: '',
    clientHost: '',
    sessionTimeoutMs: 0,
    rebalanceTimeoutMs: 0,
    protocols: [],
    assignment: noBytes,
    isNew: false,
    join: undefined,
    sync: undefined,
    woken: handled(),
    session: undefined,
    alive: undefined,
    isThere: true,
  }
}

/** A promise whose rejection needs no handler: nobody may wait for it. */
export function handled(): PromiseWithResolvers<void> {
  const resolvers = Promise.withResolvers<void>()
  resolvers.promise.catch(() => undefined)
  return resolvers
}

export class GroupMembers {
  readonly #group: string
  /** By member id, in the order in which they came. */
  readonly #byId = new Map<string, Member>()
  /** Member ids by instance id. */
  readonly #statics = new Map<string, string>()

  constructor(group: string) {
    this.#group = group
  }

  [Symbol.iterator](): IterableIterator<Member> {
    return this.#byId.values()
  }

  get size(): number {
    return this.#byId.size
  }

  get(memberId: string): Member | undefined {
    return this.#byId.get(memberId)
  }

  byInstance(instanceId: string): Member | undefined {
    const memberId = this.#statics.get(instanceId)
    return memberId === undefined ? undefined : this.#byId.get(memberId)
  }

  add(member: Member): void {
    this.#byId.set(member.id, member)
    if (member.instanceId !== undefined) this.#statics.set(member.instanceId, member.id)
  }

  remove(member: Member): void {
    const { id, instanceId } = member
    member.isThere = false
    this.#byId.delete(id)
    if (instanceId !== undefined && this.#statics.get(instanceId) === id) this.#statics.delete(instanceId)
  }

  /**
   * The member that a request names.
   * @throws MillraceError UNKNOWN_MEMBER_ID; FENCED_INSTANCE_ID if its instance id has another member now
   */
  checked(memberId: string, instanceId: string | undefined): Member {
    if (instanceId !== undefined) {
      const owner = this.#statics.get(instanceId)
      if (owner !== undefined && owner !== memberId) throw fencedInstance(this.#group, memberId, instanceId)
    }
    const member = this.#byId.get(memberId)
    if (!member || (instanceId !== undefined && member.instanceId !== instanceId))
      throw unknownMember(this.#group, memberId)
    return member
  }

  /** Whether there is a protocol that all members and this one know. */
  supports(protocols: readonly GroupProtocol[]): boolean {
    return this.size === 0 || protocols.some(({ name }) => this.#knownToAll(name))
  }

  /** The protocol that all members know, and most of them prefer. Each votes for its first such one. */
  vote(): string {
    const votes = new Map<string, number>()
    for (const { protocols } of this) {
      const choice = protocols.find(({ name }) => this.#knownToAll(name))!.name
      votes.set(choice, (votes.get(choice) ?? 0) + 1)
    }
    return [...votes].reduce((best, each) => (each[1] > best[1] ? each : best))[0]
  }

  #knownToAll(name: string): boolean {
    for (const { protocols } of this) if (!protocols.some(each => each.name === name)) return false
    return true
  }
}

/** What a member said of itself under a protocol. */
export function metadataOf(member: Member, protocol: string): Uint8Array {
  return member.protocols.find(({ name }) => name === protocol)?.metadata ?? noBytes
}

/** Kafka's UNKNOWN_MEMBER_ID. */
export function unknownMember(group: string, memberId: string): MillraceError {
  return new MillraceError(
    'UNKNOWN_MEMBER_ID',
    `Member '${memberId}' is not in group '${group}': it has left, or was removed, and its partitions may have another owner. Drop uncommitted work.`,
  )
}

/** Kafka's FENCED_INSTANCE_ID. */
function fencedInstance(group: string, memberId: string, instanceId: string): MillraceError {
  return new MillraceError(
    'FENCED_INSTANCE_ID',
    `Another member of group '${group}' has the instance id '${instanceId}' now: '${memberId}' is replaced. Give each instance another id.`,
  )
}
