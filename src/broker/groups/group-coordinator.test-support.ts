/** A coordinator of groups for tests, over a map. Its calls are the requests of one group's members. */
import { ActiveClock, seededRandom } from '../../base/index.ts'
import type { GroupState, JoinedGroup, JoinGroup, MemberOfGroup, SyncedGroup } from '../../port/index.ts'
import { virtualClock, type VirtualClock } from '../../testing/virtual-clock.ts'
import { Configs } from '../configs/configs.ts'
import type { KeptGroup } from '../offsets/group-records.ts'
import { type GroupSettings, groupSettings } from './group-settings.ts'
import { Groups } from './groups.ts'

export const sessionMs = 10_000
export const rebalanceMs = 30_000
export const bytes = (text: string): Uint8Array => Buffer.from(text)

/** A coordinator whose groups are kept in a map. */
export class Coordinator {
  readonly clock: VirtualClock
  readonly groups: Groups
  readonly kept: Map<string, KeptGroup>
  readonly partitionCounts: Map<string, number> = new Map()
  /** What {@link keep} waits for. */
  disk: Promise<void> = Promise.resolve()

  constructor(settings: Partial<GroupSettings> = {}, before?: Pick<Coordinator, 'clock' | 'kept'>) {
    this.clock = before?.clock ?? virtualClock(1_000_000)
    this.kept = new Map(before?.kept)
    this.groups = new Groups({
      clock: this.clock,
      active: new ActiveClock(this.clock),
      random: seededRandom(this.kept.size + 1),
      settings: { ...groupSettings(new Configs({}, {})), ...settings },
      partitionCount: topic => this.partitionCounts.get(topic),
      kept: this.kept,
      keep: async (group, kept) => {
        await this.disk
        this.kept.set(group, kept)
      },
      forget: async group => {
        await this.disk
        this.kept.delete(group)
      },
      commit: async commit => this.groups.check(commit, false),
      finishDeletion: () => undefined,
    })
  }

  get state(): GroupState | undefined {
    return this.groups.get('g')?.now.state
  }

  join(options: Partial<JoinGroup> & { readonly says?: string } = {}): Promise<JoinedGroup> {
    const { says = '', ...others } = options
    const joining = this.groups.join({
      group: 'g',
      memberId: '',
      clientId: 'c',
      clientHost: '/h',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: bytes(says) }],
      sessionTimeoutMs: sessionMs,
      rebalanceTimeoutMs: rebalanceMs,
      ...others,
    })
    joining.catch(() => undefined)
    return joining
  }

  sync(
    { memberId, generation }: JoinedGroup,
    assigned: Readonly<Record<string, string>> = {},
  ): Promise<SyncedGroup> {
    const assignments = Object.entries(assigned).map(([id, text]) => ({
      memberId: id,
      assignment: bytes(text),
    }))
    const syncing = this.groups.sync({ group: 'g', memberId, generation, assignments })
    syncing.catch(() => undefined)
    return syncing
  }

  /** Joins one member, which is the leader, and syncs it. */
  async stable(options: Partial<JoinGroup> = {}): Promise<JoinedGroup> {
    const joined = await this.join(options)
    await this.sync(joined, { [joined.memberId]: 'all' })
    return joined
  }

  /** Joins a second member beside a stable leader; both have joined. */
  async joinBeside(
    leader: JoinedGroup,
    options: Partial<JoinGroup> = {},
  ): Promise<[JoinedGroup, JoinedGroup]> {
    const joining = this.join(options)
    return Promise.all([this.join({ memberId: leader.memberId }), joining])
  }

  async stableTwo(options: Partial<JoinGroup> = {}): Promise<[JoinedGroup, JoinedGroup]> {
    const [one, two] = await this.joinBeside(await this.stable(), options)
    await Promise.all([this.sync(two), this.sync(one, { [one.memberId]: 'a', [two.memberId]: 'b' })])
    return [one, two]
  }

  commit({ memberId, generation }: Partial<JoinedGroup>, isTransactional = false, instanceId?: string): void {
    this.groups.check(
      { group: 'g', memberId: memberId!, generation: generation!, instanceId, offsets: [] },
      isTransactional,
    )
  }

  memberOf({ memberId, generation }: JoinedGroup, instanceId?: string): MemberOfGroup {
    return { group: 'g', memberId, generation, instanceId }
  }
}
