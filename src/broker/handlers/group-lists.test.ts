/** DescribeGroups, ListGroups and DeleteGroups. */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { messages } from '../../wire/index.ts'
import { startTestServer } from '../server/server.test-support.ts'
import { errorCodes } from './error-codes.ts'
import { bytes, GroupClient } from './group-client.test-support.ts'

const { deleteGroups, describeGroups, listGroups, offsetDelete } = messages
const offsets = [{ topic: 't', partition: 0, offset: 1 }]
const noOperations = -2147483648
/** READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS. */
const allOperations = 3400

for (let version = 0; version <= 6; version += 1)
  test(`DescribeGroups v${version}: groups in each state`, async context => {
    const { connect, port } = await startTestServer(context)
    await port.createTopic('t', { partitions: 1 })
    await port.commitOffsets({ group: 'simple', offsets })
    const client = await connect()
    const it = new GroupClient(client, { instanceId: 'i' })
    const ask = async (groups: readonly string[], includeAuthorizedOperations = false) => {
      const operations = version >= 3 ? { includeAuthorizedOperations } : {}
      return (await client.ask(describeGroups, version, { groups, ...operations })).groups
    }
    await it.join()
    const member = {
      memberId: it.memberId,
      groupInstanceId: version >= 4 ? 'i' : null,
      clientId: 'raw',
      clientHost: '/127.0.0.1',
      memberMetadata: bytes(''),
      memberAssignment: bytes(''),
    }
    const group = {
      errorCode: errorCodes.NONE as number,
      errorMessage: null as string | null,
      groupId: 'g',
      groupState: 'CompletingRebalance',
      protocolType: 'consumer',
      protocolData: '',
      members: [member],
      authorizedOperations: noOperations,
    }
    deepEqual(await ask(['g']), [group])
    await it.sync({ [it.memberId]: 'all' })
    const told = { ...member, memberMetadata: bytes('said'), memberAssignment: bytes('all') }
    const stable = { ...group, groupState: 'Stable', protocolData: 'range', members: [told] }
    const simple = { ...group, groupId: 'simple', groupState: 'Empty', protocolType: '', members: [] }
    const dead = {
      ...simple,
      groupId: 'unknown',
      groupState: 'Dead',
      ...(version >= 6
        ? { errorCode: errorCodes.GROUP_ID_NOT_FOUND, errorMessage: 'Group unknown not found.' }
        : {}),
    }
    // One that is named twice is answered once.
    deepEqual(await ask(['simple', 'g', 'unknown', 'g']), [simple, stable, dead])
    deepEqual(await ask([]), [])
    const told3 = version >= 3 ? allOperations : noOperations
    deepEqual(
      (await ask(['g', 'unknown'], true)).map(({ authorizedOperations }) => authorizedOperations),
      [told3, version >= 6 ? noOperations : told3],
    )
    await it.leave()
    deepEqual(await ask(['g']), [{ ...group, groupState: 'Empty', members: [] }])
  })

test('a group that rebalances is described with its last assignment', async context => {
  const { connect } = await startTestServer(context)
  const client = await connect()
  const it = new GroupClient(client)
  await it.stable()
  const other = new GroupClient(await connect())
  await other.joinOnce()
  other.joinOnce().catch(() => undefined)
  while ((await it.heartbeat()) === errorCodes.NONE);
  const { groups } = await client.ask(describeGroups, 6, {
    groups: ['g'],
    includeAuthorizedOperations: false,
  })
  const [{ groupState, protocolData, members }] = groups as [(typeof groups)[number]]
  deepEqual([groupState, protocolData], ['PreparingRebalance', ''])
  deepEqual(
    members.map(({ memberMetadata, memberAssignment }) => [memberMetadata, memberAssignment].map(String)),
    [
      ['', 'all'],
      ['', ''],
    ],
  )
})

for (let version = 0; version <= 5; version += 1)
  test(`ListGroups v${version}: all groups, or those of some states and types`, async context => {
    const { connect, port } = await startTestServer(context)
    await port.createTopic('t', { partitions: 1 })
    await port.commitOffsets({ group: 'simple', offsets })
    const client = await connect()
    await new GroupClient(client, { group: 'consumers' }).stable()
    const worker = new GroupClient(client, { group: 'workers', versions: { join: 3, sync: 3 } })
    await worker.join({ protocolType: 'connect' })
    const ask = async (filters: { statesFilter?: string[]; typesFilter?: string[] } = {}) => {
      const { errorCode, groups } = await client.ask(listGroups, version, filters)
      equal(errorCode, errorCodes.NONE)
      return groups.toSorted((a, b) => (a.groupId < b.groupId ? -1 : 1))
    }
    const listed = (groupId: string, protocolType: string, groupState: string) => ({
      groupId,
      protocolType,
      groupState: version >= 4 ? groupState : '',
      groupType: version >= 5 ? 'classic' : '',
    })
    const all = [
      listed('consumers', 'consumer', 'Stable'),
      listed('simple', '', 'Empty'),
      listed('workers', 'connect', 'CompletingRebalance'),
    ]
    deepEqual(await ask(), all)
    if (version >= 4) {
      deepEqual(await ask({ statesFilter: [' STABLE'] }), all.slice(0, 1))
      deepEqual(await ask({ statesFilter: ['stable', 'Empty'] }), all.slice(0, 2))
      deepEqual(await ask({ statesFilter: ['x'] }), [])
    }
    if (version >= 5) {
      deepEqual(await ask({ typesFilter: ['Classic', 'consumer'] }), all)
      for (const type of ['consumer', 'share', 'x', ' classic'])
        deepEqual(await ask({ typesFilter: [type] }), [])
      deepEqual(await ask({ typesFilter: ['classic'], statesFilter: ['Empty'] }), all.slice(1, 2))
    }
  })

for (let version = 0; version <= 2; version += 1)
  test(`DeleteGroups v${version}: groups without members, each by its own`, async context => {
    const { connect, port } = await startTestServer(context)
    await port.createTopic('t', { partitions: 1 })
    for (const group of ['simple', '']) await port.commitOffsets({ group, offsets })
    const client = await connect()
    await new GroupClient(client).stable()
    const left = new GroupClient(client, { group: 'left' })
    await left.stable()
    await left.leave()
    const groupsNames = ['simple', 'g', 'unknown', '', 'left', 'simple']
    const { results } = await client.ask(deleteGroups, version, { groupsNames })
    deepEqual(
      results.map(({ groupId, errorCode }) => [groupId, errorCode]),
      [
        ['simple', errorCodes.NONE],
        ['g', errorCodes.NON_EMPTY_GROUP],
        ['unknown', errorCodes.GROUP_ID_NOT_FOUND],
        ['', errorCodes.NONE],
        ['left', errorCodes.NONE],
      ],
    )
    deepEqual(
      (await port.listGroups()).map(({ group }) => group),
      ['g'],
    )
    deepEqual((await client.ask(deleteGroups, version, { groupsNames: [] })).results, [])
  })

test('the group of an app is listed, and can lose nothing', async context => {
  const { connect, port } = await startTestServer(context)
  await port.createTopic('t', { partitions: 1 })
  await port.createTopic('app-state-changelog', { partitions: 1, app: 'app' })
  await port.commitOffsets({ group: 'app', offsets })
  const client = await connect()
  const { groups } = await client.ask(listGroups, 5, {})
  deepEqual(
    groups.map(({ groupId }) => groupId),
    ['app'],
  )
  const { results } = await client.ask(deleteGroups, 2, { groupsNames: ['app'] })
  equal(results[0]!.errorCode, errorCodes.POLICY_VIOLATION)
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0 }] }]
  const { errorCode } = await client.ask(offsetDelete, 0, { groupId: 'app', topics })
  equal(errorCode, errorCodes.POLICY_VIOLATION)
  deepEqual((await port.committedOffsets('app', offsets))[0], offsets[0])
})
