/** OffsetCommit, OffsetFetch and OffsetDelete. */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { fillableDisk } from '../../../test/full-disk.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { seededRandom, systemClock } from '../../base/index.ts'
import { Broker } from '../broker.ts'
import { MetadataFile } from '../internal/metadata.ts'
import { messages, type RequestInput } from '../../wire/index.ts'
import { startTestServer, type TestServer } from '../server/server.test-support.ts'
import { errorCodes } from './error-codes.ts'
import { bytes, GroupClient, serveBroker } from './group-client.test-support.ts'

const { offsetCommit, offsetDelete, offsetFetch } = messages
const unknownId = 'AAAAAAAAAAAAAAAAAAAAAQ'

type Partition = RequestInput<typeof offsetCommit>['topics'][number]['partitions'][number]

async function serverWith(
  context: Parameters<typeof startTestServer>[0],
  options: Parameters<typeof startTestServer>[1] = {},
): Promise<TestServer & { readonly topicId: string }> {
  const server = await startTestServer(context, options)
  await server.port.createTopic('t', { partitions: 3 })
  return { ...server, topicId: (await server.port.describeTopic('t'))!.id }
}

function partition(committedOffset: number, others: Partial<Partition> = {}): Partition {
  return { partitionIndex: 0, committedOffset, committedMetadata: 'm', ...others }
}

for (let version = 2; version <= 10; version += 1)
  test(`OffsetCommit v${version}: each partition has its code, and what is committed is found`, async context => {
    const { connect, port, topicId } = await serverWith(context)
    const client = await connect()
    const long = 'é'.repeat(4096)
    const epoch = version >= 6 ? { committedLeaderEpoch: 4 } : {}
    const { topics } = await client.ask(offsetCommit, version, {
      groupId: 'g',
      memberId: '',
      topics: [
        {
          name: 't',
          topicId,
          partitions: [
            partition(1),
            partition(2, { committedMetadata: long, ...epoch }),
            partition(3, { partitionIndex: 1, committedMetadata: null }),
            partition(4, { partitionIndex: 2, committedMetadata: 'x'.repeat(4097) }),
            partition(-1, { partitionIndex: 2 }),
            partition(5, { partitionIndex: 3 }),
            partition(5, { partitionIndex: -1 }),
          ],
        },
        { name: 'unknown', topicId: unknownId, partitions: [partition(1)] },
        { name: 't', topicId, partitions: [] },
      ],
    })
    const { NONE, UNKNOWN_TOPIC_OR_PARTITION: missing } = errorCodes
    deepEqual(
      topics.map(({ partitions }) => partitions.map(({ errorCode }) => errorCode)),
      [
        [
          NONE,
          NONE,
          NONE,
          errorCodes.OFFSET_METADATA_TOO_LARGE,
          errorCodes.OFFSET_OUT_OF_RANGE,
          missing,
          missing,
        ],
        [version >= 10 ? errorCodes.UNKNOWN_TOPIC_ID : missing],
        [],
      ],
    )
    const three = [0, 1, 2].map(index => ({ topic: 't', partition: index }))
    deepEqual(await port.committedOffsets('g', three), [
      { topic: 't', partition: 0, offset: 2, metadata: long, ...(version >= 6 ? { leaderEpoch: 4 } : {}) },
      { topic: 't', partition: 1, offset: 3 },
      undefined,
    ])
  })

for (const [version, code] of [
  [8, 'ILLEGAL_GENERATION'],
  [9, 'GROUP_ID_NOT_FOUND'],
] as const)
  test(`OffsetCommit v${version}: a stranger commits to a group without members only`, async context => {
    const { connect, port } = await serverWith(context)
    const client = await connect()
    const it = new GroupClient(client, { versions: { commit: version } })
    const commit = async (request: Partial<RequestInput<typeof offsetCommit>>) =>
      (await it.commit('t', [1], request))[0]
    equal(await commit({ groupId: 'unknown', generationIdOrMemberEpoch: 3, memberId: 'x' }), errorCodes[code])
    equal(await port.admin.describeGroup('unknown'), undefined)
    equal(await commit({}), errorCodes.NONE)
    equal(await commit({ groupId: '' }), errorCodes.NONE)
    equal(await commit({ memberId: 'x' }), errorCodes.NONE)
    equal(await commit({ generationIdOrMemberEpoch: 3, memberId: 'x' }), errorCodes.UNKNOWN_MEMBER_ID)
    await it.join()
    equal(await commit({}), errorCodes.REBALANCE_IN_PROGRESS)
    await it.sync()
    equal(await commit({}), errorCodes.NONE)
    equal(await commit({ generationIdOrMemberEpoch: 0 }), errorCodes.ILLEGAL_GENERATION)
    equal(await commit({ generationIdOrMemberEpoch: -1 }), errorCodes.ILLEGAL_GENERATION)
    equal(await commit({ generationIdOrMemberEpoch: -1, memberId: '' }), errorCodes.UNKNOWN_MEMBER_ID)
    equal(await commit({ groupInstanceId: 'i' }), errorCodes.UNKNOWN_MEMBER_ID)
    await it.leave()
    equal(await commit({}), errorCodes.UNKNOWN_MEMBER_ID)
    equal(await commit({ generationIdOrMemberEpoch: -1 }), errorCodes.NONE)
  })

test('what is refused to the committer is the code of each partition that exists, also of none that is valid', async context => {
  const { connect } = await serverWith(context)
  const it = new GroupClient(await connect())
  await it.stable()
  const stale = { generationIdOrMemberEpoch: 7, memberId: it.memberId }
  const topics = [
    {
      name: 't',
      partitions: [
        partition(1, { committedMetadata: 'x'.repeat(5000) }),
        partition(1, { partitionIndex: 9 }),
      ],
    },
  ]
  deepEqual(await it.commit('t', [], { ...stale, topics }), [
    errorCodes.ILLEGAL_GENERATION,
    errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  ])
  // Nothing is left to commit, so nobody asks who commits.
  deepEqual(await it.commit('unknown', [1], stale), [errorCodes.UNKNOWN_TOPIC_OR_PARTITION])
  deepEqual(await it.commit('t', [], { ...stale, topics: [] }), [])
})

for (let version = 1; version <= 10; version += 1)
  test(`OffsetFetch v${version}: committed offsets, -1 where there are none`, async context => {
    const { connect, port, topicId } = await serverWith(context)
    const client = await connect()
    const committed = { topic: 't', partition: 1, offset: 5, leaderEpoch: 2, metadata: 'm' }
    await port.commitOffsets({ group: 'g', offsets: [committed] })
    const topics = [
      { name: 't', topicId, partitionIndexes: [1, 0, 9, 1] },
      { name: 'unknown', topicId: unknownId, partitionIndexes: [0] },
    ]
    const ask = async (groupId: string, all: boolean) => {
      const asked = all ? null : topics
      const request = version < 8 ? { groupId, topics: asked } : { groups: [{ groupId, topics: asked }] }
      const answer = await client.ask(offsetFetch, version, request)
      const group = version < 8 ? answer : answer.groups[0]!
      equal(group.errorCode, errorCodes.NONE)
      return group.topics.map(({ partitions }) =>
        partitions.map(each => [
          each.partitionIndex,
          each.committedOffset,
          each.committedLeaderEpoch,
          each.metadata,
          each.errorCode,
        ]),
      )
    }
    const found = [1, 5, version >= 5 ? 2 : -1, 'm', errorCodes.NONE]
    const nothing = (index: number, code = 0) => [index, -1, -1, '', code]
    const noTopic = nothing(0, version < 10 ? errorCodes.NONE : errorCodes.UNKNOWN_TOPIC_ID)
    deepEqual(await ask('g', false), [[found, nothing(0), nothing(9)], [noTopic]])
    deepEqual(await ask('unknown', false), [[nothing(1), nothing(0), nothing(9)], [noTopic]])
    if (version >= 2) deepEqual([await ask('g', true), await ask('unknown', true)], [[[found]], []])
  })

test('OffsetFetch answers several groups, each by its own, with the ids of topics', async context => {
  const { connect, port, topicId } = await serverWith(context)
  const client = await connect()
  await port.commitOffsets({ group: 'g', offsets: [{ topic: 't', partition: 0, offset: 5 }] })
  const { groups } = await client.ask(offsetFetch, 10, {
    groups: ['g', '', 'g'].map(groupId => ({ groupId, memberId: 'x', memberEpoch: 4, topics: null })),
  })
  deepEqual(
    groups.map(({ groupId, topics }) => [groupId, topics.map(each => each.topicId)]),
    [
      ['g', [topicId]],
      ['', []],
    ],
  )
  const partly = (partitionIndexes: number[]) => ({ groupId: 'g', topics: [{ topicId, partitionIndexes }] })
  const both = await client.ask(offsetFetch, 10, { groups: [partly([0, 1]), partly([1, 2, 0])] })
  deepEqual(
    both.groups.map(({ topics }) =>
      topics.map(each => each.partitions.map(({ partitionIndex }) => partitionIndex)),
    ),
    [[[0, 1, 2]]],
  )
  deepEqual((await client.ask(offsetFetch, 8, { groups: [] })).groups, [])
})

test('an offset that a transaction holds is unstable, if the client asks for that', async context => {
  const { broker, client } = await serveBroker(context)
  await broker.createTopic('t', { partitions: 2 })
  const at = (offset: number, index = 0) => ({ topic: 't', partition: index, offset })
  await broker.groupOffsets.commit({ group: 'g', offsets: [at(1), at(1, 1)] })
  const transactionalId = 'id'
  const identity = await broker.clientTransactions.init({ transactionalId, timeoutMs: 60_000 })
  const transaction = { transactionalId, identity, version: 2 } as const
  await broker.clientTransactions.commitOffsets(transaction, { group: 'g', offsets: [at(2)] })
  const ask = async (
    requireStable: boolean,
    topics: readonly { name: string; partitionIndexes: number[] }[] | null,
  ) => {
    const answer = await client.ask(offsetFetch, 7, { groupId: 'g', topics, requireStable })
    return answer.topics[0]!.partitions.map(each => [each.committedOffset, each.errorCode])
  }
  const both = [{ name: 't', partitionIndexes: [0, 1] }]
  const stable = [
    [-1, errorCodes.UNSTABLE_OFFSET_COMMIT],
    [1, errorCodes.NONE],
  ]
  const now = [
    [1, errorCodes.NONE],
    [1, errorCodes.NONE],
  ]
  deepEqual([await ask(true, both), await ask(true, null)], [stable, stable])
  deepEqual([await ask(false, both), await ask(false, null)], [now, now])
  await broker.clientTransactions.end(transaction, 'commit')
  deepEqual(await ask(true, both), [
    [2, errorCodes.NONE],
    [1, errorCodes.NONE],
  ])
})

test('OffsetDelete deletes offsets of partitions that no member reads', async context => {
  const { connect, port } = await serverWith(context)
  await port.createTopic('read', { partitions: 1 })
  const client = await connect()
  const ask = async (groupId: string) => {
    const { errorCode, topics } = await client.ask(offsetDelete, 0, {
      groupId,
      topics: [
        { name: 't', partitions: [0, 9, -1, 1].map(partitionIndex => ({ partitionIndex })) },
        { name: 'unknown', partitions: [{ partitionIndex: 0 }] },
        { name: 'read', partitions: [{ partitionIndex: 0 }] },
      ],
    })
    return [errorCode, ...topics.map(({ partitions }) => partitions.map(each => each.errorCode))]
  }
  const { NONE, UNKNOWN_TOPIC_OR_PARTITION: missing, GROUP_SUBSCRIBED_TO_TOPIC: read } = errorCodes
  deepEqual(await ask(''), [errorCodes.INVALID_GROUP_ID])
  deepEqual(await ask('unknown'), [errorCodes.GROUP_ID_NOT_FOUND])
  const consumer = new GroupClient(client)
  await consumer.commit('t', [5, 6, 7])
  const readsOne = Buffer.from('000100000001000472656164ffffffff00000000', 'hex')
  await consumer.stable({ protocols: [{ name: 'range', metadata: readsOne }] })
  await consumer.commit('read', [5])
  deepEqual(await ask('g'), [NONE, [NONE, missing, missing, NONE], [missing], [read]])
  const left = await client.ask(offsetFetch, 7, { groupId: 'g', topics: null })
  deepEqual(
    left.topics.map(({ name, partitions }) => [name, partitions.map(each => each.committedOffset)]),
    [
      ['t', [7]],
      ['read', [5]],
    ],
  )
  // What cannot be read may be any topic.
  const unclear = new GroupClient(client, { group: 'unclear' })
  await unclear.stable({ protocols: [{ name: 'range', metadata: bytes('x') }] })
  deepEqual(await ask('unclear'), [NONE, [read, missing, missing, read], [missing], [read]])
  const connect2 = new GroupClient(client, { group: 'connect', versions: { join: 3, sync: 3 } })
  await connect2.stable({ protocolType: 'connect' })
  deepEqual(await ask('connect'), [errorCodes.NON_EMPTY_GROUP])
  await connect2.leave()
  deepEqual(await ask('connect'), [NONE, [NONE, missing, missing, NONE], [missing], [NONE]])
})

test('a commit for which the disk has no room is refused, and another one succeeds when it has', async context => {
  const disk = fillableDisk(new SimulatedDisk())
  const { broker, client } = await serveBroker(context, disk)
  await broker.createTopic('t', { partitions: 1 })
  const it = new GroupClient(client)
  deepEqual(await it.commit('t', [1]), [errorCodes.NONE])
  disk.fill(path => path.includes('__consumer_offsets'))
  deepEqual(await it.commit('t', [2]), [errorCodes.COORDINATOR_NOT_AVAILABLE])
  equal(await it.committed('t'), 1)
  disk.free()
  deepEqual(await it.commit('t', [3]), [errorCodes.NONE])
  equal(await it.committed('t'), 3)
})

test('offsets that may be out of date are not told before somebody sets them', async context => {
  const disk = new SimulatedDisk()
  const before = await Broker.open('/data', { disk, clock: systemClock, random: seededRandom(1) })
  await before.createTopic('t', { partitions: 1 })
  await before.groupOffsets.commit({ group: 'g', offsets: [{ topic: 't', partition: 0, offset: 5 }] })
  await before.close()
  const metadata = await MetadataFile.open(disk, '/data')
  await metadata.update(content => ({ ...content, offsetsCut: { at: 0, settled: [] } }))
  const { client } = await serveBroker(context, disk)
  const damaged = errorCodes.KAFKA_STORAGE_ERROR
  const topics = [{ name: 't', partitionIndexes: [0] }]
  const old = await client.ask(offsetFetch, 1, { groupId: 'g', topics })
  deepEqual(
    old.topics.map(({ partitions }) =>
      partitions.map(({ committedOffset, errorCode }) => [committedOffset, errorCode]),
    ),
    [[[-1, damaged]]],
  )
  const one = await client.ask(offsetFetch, 2, { groupId: 'g', topics })
  deepEqual([one.errorCode, one.topics], [damaged, []])
  const { groups } = await client.ask(offsetFetch, 8, { groups: [{ groupId: 'g', topics: null }] })
  deepEqual([groups[0]!.errorCode, groups[0]!.topics], [damaged, []])
  const it = new GroupClient(client)
  deepEqual(await it.commit('t', [3]), [errorCodes.NONE])
  equal(await it.committed('t'), 3)
})
