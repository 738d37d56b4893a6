/**
 * Consumer groups over TCP answer as Apache Kafka's do: each scenario runs against both. What differs on
 * purpose is in the head comments of the handlers, and is not asked here.
 */
import { after, before, describe, it } from 'node:test'
import { GroupClient, newest } from '../../src/broker/handlers/group-client.test-support.ts'
import { messages } from '../../src/wire/index.ts'
import { type Side, TwoBrokers } from './two-brokers.ts'

const { deleteGroups, describeGroups, listGroups, offsetCommit, offsetDelete, offsetFetch } = messages

/** A member whose answers are noted under its name. */
class NotedMember extends GroupClient {
  readonly #side: Side
  readonly name: string

  constructor(
    side: Side,
    client: ConstructorParameters<typeof GroupClient>[0],
    name: string,
    options: ConstructorParameters<typeof GroupClient>[1] = {},
  ) {
    super(client, options)
    this.#side = side
    this.name = name
  }

  static async of(
    side: Side,
    name: string,
    options: ConstructorParameters<typeof GroupClient>[1] = {},
  ): Promise<NotedMember> {
    return new NotedMember(side, await side.connect(), name, options)
  }

  override async joinOnce(request: Parameters<GroupClient['joinOnce']>[0] = {}) {
    const joined = await super.joinOnce(request)
    this.#side.label(joined.memberId, this.name)
    return this.#note('join', joined)
  }

  override async sync(...args: Parameters<GroupClient['sync']>) {
    return this.#note('sync', await super.sync(...args))
  }

  override async heartbeat(request: Parameters<GroupClient['heartbeat']>[0] = {}) {
    return this.#note('heartbeat', await super.heartbeat(request))
  }

  override async leave(request: Parameters<GroupClient['leave']>[0] = {}) {
    return this.#note('leave', await super.leave(request))
  }

  override async commit(...args: Parameters<GroupClient['commit']>) {
    return this.#note('commit', await super.commit(...args))
  }

  #note<T>(what: string, answer: T): T {
    return this.#side.note(`${this.group}: ${this.name}: ${what}`, answer)
  }
}

/** Describes a group, from another connection. */
async function look(side: Side, group: string): Promise<void> {
  await side.ask(await side.connect(), `describe ${group}`, describeGroups, 6, {
    groups: [group],
    includeAuthorizedOperations: false,
  })
}

describe('groups of millrace and of Apache Kafka', () => {
  let brokers: TwoBrokers
  before(async () => {
    brokers = await TwoBrokers.start({
      'group.min.session.timeout.ms': '1000',
      'group.initial.rebalance.delay.ms': '0',
    })
  })
  after(() => brokers.stop())

  it('answer commits and look-ups of offsets alike, in every version', async () => {
    await brokers.compare(async side => {
      const topicId = await side.topic('t')
      const client = await side.connect()
      for (let version = 2; version <= 10; version += 1) {
        const committed = (committedOffset: number, others = {}) => ({
          partitionIndex: 0,
          committedOffset,
          committedMetadata: 'm',
          ...others,
        })
        const commit = (what: string, request: object, partitions = [committed(5)]) =>
          side.ask(client, `commit ${what}`, offsetCommit, version, {
            groupId: `simple${version}`,
            memberId: '',
            topics: [{ name: 't', topicId, partitions }],
            ...request,
          })
        await commit('by nobody', {})
        await commit('to the empty name', { groupId: '' })
        await commit('of an unknown group', {
          groupId: 'unknown',
          generationIdOrMemberEpoch: 3,
          memberId: 'x',
        })
        await commit('of a group without members', { generationIdOrMemberEpoch: 3, memberId: 'x' })
        await commit('without a generation', { memberId: 'x' })
        await commit('to partitions that are not there', {}, [
          committed(1, { partitionIndex: 9 }),
          committed(1, { partitionIndex: -1 }),
        ])
        await commit('without metadata', {}, [committed(6, { committedMetadata: null })])
        await commit('with long metadata', {}, [committed(7, { committedMetadata: 'é'.repeat(4096) })])
        await commit('with too long metadata', {}, [committed(8, { committedMetadata: 'x'.repeat(4097) })])
        await commit('twice', {}, [committed(1), committed(2)])
        await commit('of nothing', { topics: [] })
        const unknown = { name: 'unknown', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partitions: [committed(1)] }
        await commit('to an unknown topic', {
          topics: [unknown, { name: 't', topicId, partitions: [committed(3)] }],
        })
      }
      const names = [
        { name: 't', topicId, partitionIndexes: [0, 99] },
        { name: 'unknown', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partitionIndexes: [0] },
      ]
      for (let version = 1; version <= 10; version += 1)
        for (const groupId of ['simple2', 'unknown', ''])
          for (const topics of version === 1 ? [names, []] : [names, [], null]) {
            const request = version < 8 ? { groupId, topics } : { groups: [{ groupId, topics }] }
            const stable = version < 7 ? {} : { requireStable: true }
            await side.ask(client, `fetch of '${groupId}'`, offsetFetch, version, { ...request, ...stable })
          }
    })
  })

  for (let join = 0; join <= newest.join; join += 1)
    it(`answer the life of a member alike, from JoinGroup v${join}`, async () => {
      await brokers.compare(async side => {
        await side.topic('t')
        const group = `life${join}`
        const versions = {
          join,
          sync: Math.min(join, newest.sync),
          heartbeat: Math.min(join, newest.heartbeat),
          leave: Math.min(join, newest.leave),
          commit: Math.max(2, join),
        }
        const member = await NotedMember.of(side, 'one', { group, versions })
        const stranger = await NotedMember.of(side, 'stranger', { group, versions })
        for (const request of [
          { groupId: '' },
          { sessionTimeoutMs: 1 },
          { protocols: [] },
          { protocolType: '' },
          { memberId: 'who' },
        ])
          await stranger.joinOnce(request)
        await member.join()
        await member.commit('t', [5])
        await member.joinOnce()
        for (const request of [
          { generationId: 77 },
          { memberId: 'x' },
          { groupId: 'unknown' },
          { groupId: '' },
        ])
          await member.sync({}, request)
        if (join >= 5)
          for (const request of [{ protocolType: null }, { protocolName: 'x' }])
            await member.sync({}, request)
        await member.sync({ [member.memberId]: 'all', other: 'x' })
        await member.sync()
        await look(side, group)
        for (const request of [
          {},
          { generationId: 9 },
          { memberId: 'x' },
          { groupId: 'unknown' },
          { groupId: '' },
        ])
          await member.heartbeat(request)
        await member.commit('t', [5])
        for (const generationIdOrMemberEpoch of [0, -1])
          await member.commit('t', [5], { generationIdOrMemberEpoch })
        await stranger.commit('t', [5])
        await stranger.joinOnce({ protocolType: 'connect' })
        await stranger.joinOnce({ protocols: [{ name: 'other', metadata: Buffer.alloc(0) }] })
        const client = await side.connect()
        await side.ask(client, 'delete', deleteGroups, 2, { groupsNames: [group, 'unknown', group] })
        const partitions = [{ partitionIndex: 0 }, { partitionIndex: 9 }]
        await side.ask(client, 'delete offsets', offsetDelete, 0, {
          groupId: group,
          topics: [{ name: 't', partitions }],
        })
        await stranger.leave(
          join < 3 ? { memberId: 'x' } : { members: [{ memberId: 'x' }, { memberId: '' }] },
        )
        await member.leave()
        await member.heartbeat()
        await member.commit('t', [5])
        await stranger.commit('t', [6])
        await look(side, group)
        await side.ask(client, 'delete offsets', offsetDelete, 0, {
          groupId: group,
          topics: [{ name: 't', partitions }],
        })
        await side.ask(client, 'delete', deleteGroups, 1, { groupsNames: [group] })
      })
    })

  it('answer two members that join, change, wait and leave alike', async () => {
    await brokers.compare(async side => {
      await side.topic('t')
      const [one, two] = [await NotedMember.of(side, 'one'), await NotedMember.of(side, 'two')]
      await one.stable()
      await two.joinOnce()
      const joining = two.joinOnce()
      await side.groupIs('PreparingRebalance')
      await look(side, 'g')
      await one.heartbeat()
      await one.commit('t', [1])
      await one.sync()
      await one.join()
      await joining
      const syncing = two.sync()
      await look(side, 'g')
      await one.sync({ [one.memberId]: 'a', [two.memberId]: 'b' })
      await syncing
      await look(side, 'g')
      // A follower without news learns the present generation; one with news, and a leader, begin another.
      await two.joinOnce()
      const changing = two.joinOnce({ protocols: [{ name: 'range', metadata: Buffer.from('new') }] })
      await side.groupIs('PreparingRebalance')
      await one.join()
      await changing
      // The leader leaves before it has assigned.
      const waiting = two.sync()
      await one.leave()
      await waiting
      await two.joinOnce()
      await two.sync({ [two.memberId]: 'all' })
      await look(side, 'g')
      await two.leave()
      await look(side, 'g')
    })
  })

  it('answer members that do not come back alike', async () => {
    await brokers.compare(async side => {
      await side.topic('t')
      const group = 'late'
      const [one, two, three, four] = [
        await NotedMember.of(side, 'one', { group }),
        await NotedMember.of(side, 'two', { group }),
        await NotedMember.of(side, 'three', { group }),
        await NotedMember.of(side, 'four', { group }),
      ]
      await one.join({ rebalanceTimeoutMs: 2000 })
      await one.sync({ [one.memberId]: 'a' })
      await two.join({ rebalanceTimeoutMs: 2000, sessionTimeoutMs: 3000 })
      await one.heartbeat()
      await two.sync({ [two.memberId]: 'b' })
      await side.groupIs('Empty', group)
      await two.heartbeat()
      await look(side, group)
      await one.join()
      await one.sync()
      // An id that was given out is waited for, until its member leaves.
      await four.stable()
      await three.joinOnce()
      const joining = four.joinOnce()
      await side.groupIs('PreparingRebalance', group)
      await three.leave()
      await joining
    })
  })

  it('answer static members that are replaced alike', async () => {
    await brokers.compare(async side => {
      await side.topic('t')
      const group = 'static'
      const member = (name: string, instanceId: string) => NotedMember.of(side, name, { group, instanceId })
      const [a, b] = [await member('a', 'instance a'), await member('b', 'b')]
      await a.stable()
      const joining = b.join()
      await side.groupIs('PreparingRebalance', group)
      await a.join()
      await joining
      const syncing = b.sync()
      await a.sync({ [a.memberId]: 'a', [b.memberId]: 'b' })
      await syncing
      const nextB = await member('next b', 'b')
      await nextB.join()
      await nextB.sync()
      await b.heartbeat()
      await b.commit('t', [1], { groupInstanceId: 'b' })
      await b.leave()
      const nextA = await member('next a', 'instance a')
      await nextA.join()
      await nextA.sync()
      await nextA.heartbeat({ groupInstanceId: 'b' })
      await look(side, group)
      await nextA.leave({ members: [{ memberId: '', groupInstanceId: 'instance a' }] })
      await look(side, group)
      await nextB.heartbeat()
    })
  })

  it('list groups alike, by every filter', async () => {
    await brokers.compare(async side => {
      await side.topic('t')
      const [consumer, worker] = [
        await NotedMember.of(side, 'consumer', { group: 'list-consumers' }),
        await NotedMember.of(side, 'worker', { group: 'list-workers', versions: { join: 3, sync: 3 } }),
      ]
      await consumer.stable()
      await worker.join({ protocolType: 'connect' })
      await side.ask(await side.connect(), 'delete offsets of a worker', offsetDelete, 0, {
        groupId: 'list-workers',
        topics: [],
      })
      await new GroupClient(await side.connect(), { group: 'list-simple' }).commit('t', [1])
      const client = await side.connect()
      for (let version = 0; version <= 5; version += 1)
        for (const statesFilter of version < 4
          ? [[]]
          : [[], [' STABLE '], ['Empty', 'completingRebalance'], ['x']])
          for (const typesFilter of version < 5
            ? [[]]
            : [[], ['Classic'], [' classic'], ['consumer'], ['x']]) {
            const filters = {
              ...(version < 4 ? {} : { statesFilter }),
              ...(version < 5 ? {} : { typesFilter }),
            }
            const { groups } = await client.ask(listGroups, version, filters)
            const listed = groups.filter(({ groupId }) => groupId.startsWith('list-'))
            side.note(`list v${version} ${JSON.stringify(filters)}`, listed)
          }
    })
  })
})
