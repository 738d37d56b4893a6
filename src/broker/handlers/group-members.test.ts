/** FindCoordinator, JoinGroup, SyncGroup, Heartbeat and LeaveGroup. */
import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { messages } from '../../wire/index.ts'
import { startTestServer } from '../server/server.test-support.ts'
import { errorCodes } from './error-codes.ts'
import { bytes, GroupClient, serveBroker } from './group-client.test-support.ts'

const { findCoordinator } = messages

for (let version = 0; version <= 6; version += 1)
  test(`FindCoordinator v${version}: this broker coordinates groups and transactions, and nothing else`, async context => {
    const { connect, server } = await startTestServer(context)
    const client = await connect()
    const ask = async (keyType: number, keys: readonly string[]) => {
      const kind = version === 0 ? {} : { keyType }
      const what = version < 4 ? { key: keys[0]! } : { coordinatorKeys: keys }
      const answer = await client.ask(findCoordinator, version, { ...kind, ...what })
      const answers = version < 4 ? [answer] : answer.coordinators
      return answers.map(({ errorCode, nodeId, host, port }) => [errorCode, nodeId, host, port])
    }
    const here = [errorCodes.NONE, 0, '127.0.0.1', server.address.port]
    const nowhere = [errorCodes.INVALID_REQUEST, -1, '', -1]
    deepEqual(await ask(0, ['g']), [here])
    deepEqual(await ask(0, ['']), [here])
    if (version >= 1) deepEqual(await ask(1, ['t']), [here])
    for (const keyType of version >= 1 ? [2, 3, -1] : []) deepEqual(await ask(keyType, ['g']), [nowhere])
    if (version >= 4) deepEqual([await ask(0, []), await ask(0, ['a', 'b', 'a'])], [[], [here, here, here]])
  })

/** The versions of sync, heartbeat and leave that came with a version of join. */
const versionsBeside = (join: number) => ({
  join,
  sync: Math.min(join, 5),
  heartbeat: Math.min(join, 4),
  leave: Math.min(join, 5),
})

for (let version = 0; version <= 9; version += 1)
  test(`a member joins, syncs, lives and leaves, by JoinGroup v${version} and what came with it`, async context => {
    const { connect } = await startTestServer(context)
    const it = new GroupClient(await connect(), { versions: versionsBeside(version) })
    if (version >= 4) {
      const { errorCode, memberId } = await it.joinOnce()
      deepEqual([errorCode, memberId.startsWith('raw-')], [errorCodes.MEMBER_ID_REQUIRED, true])
      equal(await it.heartbeat({ generationId: 0 }), errorCodes.UNKNOWN_MEMBER_ID)
    }
    const joined = await it.joinOnce()
    deepEqual(joined, {
      throttleTimeMs: 0,
      errorCode: errorCodes.NONE,
      generationId: 1,
      protocolType: version < 7 ? null : 'consumer',
      protocolName: 'range',
      leader: it.memberId,
      skipAssignment: false,
      memberId: it.memberId,
      members: [{ memberId: it.memberId, groupInstanceId: null, metadata: bytes('said') }],
    })
    // Its answer was lost.
    deepEqual(await it.joinOnce(), joined)
    const synced = await it.sync({ [it.memberId]: 'all', other: 'none' })
    deepEqual([synced.errorCode, synced.assignment.toString()], [errorCodes.NONE, 'all'])
    const protocol = version < 5 ? [null, null] : ['consumer', 'range']
    deepEqual([synced.protocolType, synced.protocolName], protocol)
    equal((await it.sync()).assignment.toString(), 'all')
    equal(await it.heartbeat(), errorCodes.NONE)
    const left = await it.leave()
    const answers = version < 3 ? [] : [{ memberId: it.memberId, groupInstanceId: null, errorCode: 0 }]
    deepEqual([left.errorCode, left.members], [errorCodes.NONE, answers])
    equal(await it.heartbeat(), errorCodes.UNKNOWN_MEMBER_ID)
  })

test('a join that cannot be is refused with the code that says why', async context => {
  const { connect } = await startTestServer(context, { log: { configs: { 'group.max.size': 1 } } })
  const client = await connect()
  await new GroupClient(client).stable()
  const refusals: [Parameters<GroupClient['joinOnce']>[0], keyof typeof errorCodes][] = [
    [{ groupId: '' }, 'INVALID_GROUP_ID'],
    [{ groupId: 'new', sessionTimeoutMs: 1 }, 'INVALID_SESSION_TIMEOUT'],
    [{ groupId: 'new', sessionTimeoutMs: 0x7fff_ffff }, 'INVALID_SESSION_TIMEOUT'],
    [{ groupId: 'new', protocols: [] }, 'INCONSISTENT_GROUP_PROTOCOL'],
    [{ groupId: 'new', protocolType: '' }, 'INCONSISTENT_GROUP_PROTOCOL'],
    [{ protocolType: 'connect' }, 'INCONSISTENT_GROUP_PROTOCOL'],
    [{ protocols: [{ name: 'other', metadata: bytes('') }] }, 'INCONSISTENT_GROUP_PROTOCOL'],
    [{ memberId: 'who' }, 'GROUP_MAX_SIZE_REACHED'],
    [{ groupId: 'unknown', memberId: 'who' }, 'UNKNOWN_MEMBER_ID'],
    [{}, 'GROUP_MAX_SIZE_REACHED'],
  ]
  for (const [request, code] of refusals) {
    const { errorCode, generationId, protocolName, leader, members } = await new GroupClient(client).joinOnce(
      request,
    )
    deepEqual(
      [errorCode, generationId, protocolName, leader, members],
      [errorCodes[code], -1, null, '', []],
      JSON.stringify(request),
    )
  }
  const old = new GroupClient(client, { group: 'h', versions: { join: 6 } })
  const refused = await old.joinOnce({ protocols: [] })
  deepEqual([refused.errorCode, refused.protocolName], [errorCodes.INCONSISTENT_GROUP_PROTOCOL, ''])
})

test('a rebalance time-out of nothing is taken', async context => {
  const { connect } = await startTestServer(context)
  const client = await connect()
  for (const rebalanceTimeoutMs of [0, -5]) {
    const it = new GroupClient(client, { group: `g${rebalanceTimeoutMs}` })
    equal((await it.join({ rebalanceTimeoutMs })).errorCode, errorCodes.NONE)
  }
})

test('requests of strangers, or of another generation, are refused', async context => {
  const { connect } = await startTestServer(context)
  const it = new GroupClient(await connect())
  await it.join()
  const syncs: [Parameters<GroupClient['sync']>[1], keyof typeof errorCodes][] = [
    [{ groupId: '' }, 'INVALID_GROUP_ID'],
    [{ groupId: 'unknown' }, 'UNKNOWN_MEMBER_ID'],
    [{ memberId: 'x' }, 'UNKNOWN_MEMBER_ID'],
    [{ generationId: 7 }, 'ILLEGAL_GENERATION'],
    [{ groupInstanceId: 'i' }, 'UNKNOWN_MEMBER_ID'],
    [{ protocolType: null }, 'INCONSISTENT_GROUP_PROTOCOL'],
    [{ protocolName: null }, 'INCONSISTENT_GROUP_PROTOCOL'],
    [{ protocolType: 'connect' }, 'INCONSISTENT_GROUP_PROTOCOL'],
    [{ protocolName: 'other' }, 'INCONSISTENT_GROUP_PROTOCOL'],
  ]
  for (const [request, code] of syncs)
    equal((await it.sync({}, request)).errorCode, errorCodes[code], JSON.stringify(request))
  const heartbeats: [Parameters<GroupClient['heartbeat']>[0], keyof typeof errorCodes][] = [
    [{}, 'NONE'],
    [{ groupId: '' }, 'INVALID_GROUP_ID'],
    [{ groupId: 'unknown' }, 'UNKNOWN_MEMBER_ID'],
    [{ memberId: 'x', generationId: 7 }, 'UNKNOWN_MEMBER_ID'],
    [{ generationId: 7 }, 'ILLEGAL_GENERATION'],
    [{ groupInstanceId: 'i' }, 'UNKNOWN_MEMBER_ID'],
  ]
  for (const [request, code] of heartbeats)
    equal(await it.heartbeat(request), errorCodes[code], JSON.stringify(request))
})

test('several members leave at once, and each is answered', async context => {
  const { connect } = await startTestServer(context)
  const client = await connect()
  const it = new GroupClient(client, { instanceId: 'i' })
  await it.stable()
  const { errorCode, members } = await it.leave({
    members: [
      { memberId: 'x' },
      { memberId: '' },
      { memberId: '', groupInstanceId: 'other' },
      { memberId: 'x', groupInstanceId: 'i' },
      { memberId: '', groupInstanceId: 'i' },
      { memberId: it.memberId },
    ],
  })
  const { NONE, UNKNOWN_MEMBER_ID: unknown, FENCED_INSTANCE_ID: fenced } = errorCodes
  deepEqual(
    [errorCode, ...members.map(each => each.errorCode)],
    [NONE, unknown, unknown, unknown, fenced, NONE, unknown],
  )
  const leave = async (group: string, version: number) => {
    const nobody = new GroupClient(client, { group, versions: { leave: version } })
    const answer = await nobody.leave()
    return [answer.errorCode, ...answer.members.map(each => each.errorCode)]
  }
  deepEqual(await leave('', 5), [errorCodes.INVALID_GROUP_ID])
  deepEqual(await leave('', 2), [errorCodes.INVALID_GROUP_ID])
  deepEqual(await leave('unknown', 5), [NONE, unknown])
  deepEqual(await leave('unknown', 2), [unknown])
})

test('a member learns of a second one, joins again, and both get their assignments', async context => {
  const { connect } = await startTestServer(context)
  const [one, two] = [new GroupClient(await connect()), new GroupClient(await connect())]
  await one.stable()
  const joining = two.join()
  while ((await one.heartbeat()) === errorCodes.NONE);
  equal(await one.heartbeat(), errorCodes.REBALANCE_IN_PROGRESS)
  equal((await one.sync()).errorCode, errorCodes.REBALANCE_IN_PROGRESS)
  const [again, joined] = await Promise.all([one.join(), joining])
  deepEqual([again.members.length, joined.members.length, joined.leader], [2, 0, one.memberId])
  const syncing = two.sync()
  await one.sync({ [one.memberId]: 'a', [two.memberId]: 'b' })
  equal((await syncing).assignment.toString(), 'b')
})

test('a member whose connection breaks while it waits stays until its session is over', async context => {
  const { connect } = await startTestServer(context, {
    log: { configs: { 'group.min.session.timeout.ms': 100 } },
  })
  const connection = await connect()
  const [one, gone] = [new GroupClient(await connect()), new GroupClient(connection)]
  await one.stable()
  await gone.joinOnce({ sessionTimeoutMs: 300 })
  gone.joinOnce({ sessionTimeoutMs: 300 }).catch(() => undefined)
  while ((await one.heartbeat()) === errorCodes.NONE);
  connection.close()
  const { members } = await one.join()
  equal(members.length, 2)
  await one.sync()
  while ((await one.heartbeat()) === errorCodes.NONE);
  const alone = await one.join()
  deepEqual([alone.members.length, alone.generationId], [1, 3])
})

for (const version of [5, 8, 9])
  test(`JoinGroup v${version}: a static leader that comes back has its assignment, and fences its predecessor`, async context => {
    const { connect } = await startTestServer(context)
    const client = await connect()
    const before = new GroupClient(client, { instanceId: 'a b' })
    await before.stable()
    const after = new GroupClient(client, { instanceId: 'a b', versions: { join: version } })
    const joined = await after.joinOnce()
    const leads = joined.leader === after.memberId
    deepEqual([joined.generationId, leads, joined.skipAssignment], [1, version >= 9, version >= 9])
    equal(joined.members.length, version >= 9 ? 1 : 0)
    notEqual(after.memberId, before.memberId)
    equal((await after.sync()).assignment.toString(), 'all')
    const fenced = errorCodes.FENCED_INSTANCE_ID
    equal(await before.heartbeat(), fenced)
    equal((await before.joinOnce()).errorCode, fenced)
    equal((await before.sync()).errorCode, fenced)
    equal((await before.leave()).members[0]!.errorCode, fenced)
    equal(await after.heartbeat(), errorCodes.NONE)
  })

test('after a crash of the broker its members continue, and nobody joins again', async context => {
  const disk = new SimulatedDisk()
  const before = await serveBroker(context, disk)
  await before.broker.createTopic('t', { partitions: 1 })
  const old = new GroupClient(before.client, { instanceId: 'i' })
  await old.stable()
  deepEqual(await old.commit('t', [5]), [errorCodes.NONE])
  disk.crash()
  before.client.close()
  await before.broker.close().catch(() => undefined)
  const { client } = await serveBroker(context, disk)
  const it = new GroupClient(client, { instanceId: 'i' })
  Object.assign(it, { memberId: old.memberId, generation: old.generation })
  equal(await it.heartbeat(), errorCodes.NONE)
  equal((await it.sync()).assignment.toString(), 'all')
  equal(await it.committed('t'), 5)
  deepEqual(await it.commit('t', [6]), [errorCodes.NONE])
  await it.leave()
  deepEqual((await new GroupClient(client).join()).generationId, old.generation + 2)
})

test('a log that closes answers no member that waits, and ends its connection', async context => {
  const { connect, log } = await startTestServer(context)
  const [client, one] = [await connect(), new GroupClient(await connect())]
  await one.stable()
  const two = new GroupClient(client)
  await two.joinOnce()
  const joining = two.joinOnce().catch(() => 'closed')
  await log.close()
  equal(await joining, 'closed')
})
