/** The coordinator of groups, call by call, as requests of Kafka's clients come. */
import { deepEqual, equal, rejects, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../../test/is-code.ts'
import { requiredMemberId } from '../../port/index.ts'
import { stateOf } from '../../port/conformance/harness.ts'
import { bytes, Coordinator, rebalanceMs, sessionMs } from './group-coordinator.test-support.ts'

test('two members join, the leader assigns, and each gets its part', async () => {
  const it = new Coordinator()
  const first = await it.stable()
  deepEqual([first.generation, first.leader === first.memberId, it.state], [1, true, 'Stable'])
  const joining = it.join({ says: 'two' })
  equal(it.state, 'PreparingRebalance')
  throws(() => it.groups.heartbeat(it.memberOf(first)), isCode('REBALANCE_IN_PROGRESS'))
  it.commit(first)
  const again = await it.join({ memberId: first.memberId, says: 'one' })
  const second = await joining
  deepEqual([again.generation, second.generation, it.state], [2, 2, 'CompletingRebalance'])
  deepEqual(
    again.members.map(({ metadata }) => Buffer.from(metadata).toString()),
    ['one', 'two'],
  )
  deepEqual(second.members, [])
  throws(() => it.commit(second), isCode('REBALANCE_IN_PROGRESS'))
  it.commit(second, true)
  throws(() => it.commit(first), isCode('ILLEGAL_GENERATION'))
  const syncing = it.sync(second)
  equal(await stateOf(syncing), 'pending')
  await it.sync(again, { [again.memberId]: 'a', [second.memberId]: 'b' })
  equal(Buffer.from((await syncing).assignment).toString(), 'b')
  equal(it.state, 'Stable')
  it.commit(second)
  it.groups.heartbeat(it.memberOf(again))
})

test('an assignment is told to nobody before it is kept', async () => {
  const it = new Coordinator()
  const joined = await it.join()
  const disk = Promise.withResolvers<void>()
  it.disk = disk.promise
  const syncing = it.sync(joined, { [joined.memberId]: 'all' })
  deepEqual([await stateOf(syncing), it.state], ['pending', 'CompletingRebalance'])
  disk.resolve()
  await syncing
  deepEqual([it.kept.get('g')?.generation, it.state], [1, 'Stable'])
})

test('an assignment that cannot be kept is told to nobody, and the members join again', async () => {
  const it = new Coordinator()
  const joined = await it.join()
  it.disk = Promise.reject(new Error('full'))
  await rejects(it.sync(joined, { [joined.memberId]: 'all' }), /full/)
  equal(it.state, 'PreparingRebalance')
  it.disk = Promise.resolve()
  const again = await it.join({ memberId: joined.memberId })
  equal(again.generation, 2)
})

test('a member whose session is over is removed; heartbeats and commits prolong it', async () => {
  const it = new Coordinator()
  const [one, two] = await it.stableTwo()
  for (let n = 0; n < 3; n += 1) {
    await it.clock.advance(sessionMs / 2)
    it.groups.heartbeat(it.memberOf(one))
    if (n < 2) it.commit(two)
  }
  await it.clock.advance(sessionMs / 2)
  throws(() => it.groups.heartbeat(it.memberOf(two)), isCode('UNKNOWN_MEMBER_ID'))
  throws(() => it.commit(two), isCode('UNKNOWN_MEMBER_ID'))
  equal((await it.join({ memberId: one.memberId })).members.length, 1)
})

test('the session of a member that waits for its assignment begins with the answer', async () => {
  const it = new Coordinator()
  const [one, two] = await it.joinBeside(await it.stable())
  const beat = async (): Promise<void> => {
    it.groups.heartbeat(it.memberOf(one))
    await it.clock.advance(sessionMs * 0.6)
  }
  const syncing = it.sync(two)
  for (let n = 0; n < 2; n += 1) await beat()
  await it.sync(one, { [two.memberId]: 'b' })
  await syncing
  await beat()
  equal(it.groups.members('g'), 2)
  await beat()
  equal(it.groups.members('g'), 1)
})

test('a member that does not join again in time is removed', async () => {
  const it = new Coordinator()
  const one = await it.stable({ sessionTimeoutMs: 60_000 })
  const joining = it.join({ rebalanceTimeoutMs: 1000 })
  await it.clock.advance(rebalanceMs - 1000)
  equal(await stateOf(joining), 'pending')
  await it.clock.advance(2000)
  equal((await joining).members.length, 1)
  await rejects(it.join({ memberId: one.memberId }), isCode('UNKNOWN_MEMBER_ID'))
})

test('a member that does not sync in time is removed', async () => {
  const it = new Coordinator()
  const [one, two] = await it.joinBeside(await it.stable({ sessionTimeoutMs: 60_000 }), {
    sessionTimeoutMs: 60_000,
  })
  await it.sync(one, { [one.memberId]: 'a', [two.memberId]: 'b' })
  await it.clock.advance(rebalanceMs + 1000)
  deepEqual([it.state, it.groups.members('g')], ['PreparingRebalance', 1])
})

test('a member in process has no session before it stops acting, and hears of a rebalance', async () => {
  const it = new Coordinator()
  const alive = new AbortController()
  const one = await it.stable({ alive: alive.signal })
  const told = it.groups.rebalance(it.memberOf(one))
  await it.clock.advance(10 * sessionMs)
  equal(await stateOf(told), 'pending')
  void it.join()
  await told
  await it.join({ memberId: one.memberId, alive: alive.signal })
  alive.abort('gone')
  await it.clock.advance(rebalanceMs + sessionMs)
  equal(it.groups.members('g'), 0)
})

test('the last member leaves: the group is empty and keeps its generation', async () => {
  const it = new Coordinator()
  const one = await it.stable()
  it.groups.leave({ group: 'g', memberId: one.memberId })
  equal(it.state, 'Empty')
  await it.clock.advance(0)
  deepEqual([it.kept.get('g')?.generation, it.kept.get('g')?.members], [2, []])
  throws(() => it.groups.leave({ group: 'g', memberId: one.memberId }), isCode('UNKNOWN_MEMBER_ID'))
  equal((await it.stable()).generation, 3)
})

test('a new member must join with the id that it is given, if it asks for that', async () => {
  const it = new Coordinator()
  let memberId: string | undefined
  await rejects(it.join({ requireMemberId: true }), (error: unknown) => {
    memberId = requiredMemberId(error)
    return isCode('MEMBER_ID_REQUIRED')(error)
  })
  equal(it.groups.members('g'), 0)
  const joined = await it.join({ memberId: memberId!, requireMemberId: true })
  equal(joined.memberId, memberId)
  await rejects(it.join({ memberId: 'never given' }), isCode('UNKNOWN_MEMBER_ID'))
})

test('a rebalance waits for a promised member no longer than its session', async () => {
  const it = new Coordinator()
  const one = await it.stable()
  await rejects(it.join({ requireMemberId: true }), isCode('MEMBER_ID_REQUIRED'))
  void it.join()
  const again = it.join({ memberId: one.memberId })
  equal(await stateOf(again), 'pending')
  await it.clock.advance(sessionMs + 1000)
  equal((await again).generation, 2)
})

test('the protocol is one that all know, and most prefer', async () => {
  const it = new Coordinator()
  const protocols = (...names: string[]) => names.map(name => ({ name, metadata: bytes(name) }))
  const one = await it.stable({ protocols: protocols('a', 'b', 'c') })
  const two = it.join({ protocols: protocols('c', 'b') })
  const three = it.join({ protocols: protocols('c', 'b') })
  await rejects(it.join({ protocols: protocols('a') }), isCode('INCONSISTENT_GROUP_PROTOCOL'))
  await rejects(
    it.join({ protocols: protocols('c'), protocolType: 'connect' }),
    isCode('INCONSISTENT_GROUP_PROTOCOL'),
  )
  const again = await it.join({ memberId: one.memberId, protocols: protocols('a', 'b', 'c') })
  deepEqual([again.protocol, (await two).protocol, (await three).protocol], ['c', 'c', 'c'])
  await rejects(
    it.groups.sync({ ...it.memberOf(again), protocol: 'b', assignments: [] }),
    isCode('INCONSISTENT_GROUP_PROTOCOL'),
  )
})

test('a group has no more members than it may have', async () => {
  const it = new Coordinator({ sizeMax: 1 })
  const one = await it.stable()
  await rejects(it.join(), isCode('GROUP_MAX_SIZE_REACHED'))
  equal((await it.join({ memberId: one.memberId })).generation, 2)
})

test('session time-outs have bounds', async () => {
  const it = new Coordinator({ sessionTimeoutMsMin: 6000, sessionTimeoutMsMax: 7000 })
  await rejects(it.join({ sessionTimeoutMs: 5999 }), isCode('INVALID_SESSION_TIMEOUT'))
  await rejects(it.join({ sessionTimeoutMs: 7001 }), isCode('INVALID_SESSION_TIMEOUT'))
  await rejects(it.join({ group: '' }), isCode('INVALID_ARGUMENT'))
})

test('an empty group waits for more members, as long as some come', async () => {
  const it = new Coordinator({ initialRebalanceDelayMs: 3000 })
  const one = it.join()
  await it.clock.advance(2500)
  const two = it.join()
  await it.clock.advance(1000)
  equal(await stateOf(one), 'pending')
  await it.clock.advance(3000)
  deepEqual([(await one).generation, (await two).generation], [1, 1])
})

test('a follower that joins again with nothing new, or a leader in between, disturbs nobody', async () => {
  const it = new Coordinator()
  const [one, two] = await it.stableTwo()
  const again = await it.join({ memberId: two.memberId })
  deepEqual([again.generation, it.state], [2, 'Stable'])
  equal(Buffer.from((await it.sync(again)).assignment).toString(), 'b')
  void it.join({ memberId: two.memberId, says: 'new' })
  equal(it.state, 'PreparingRebalance')
  await it.join({ memberId: one.memberId })
})

test('who has not joined commits to an empty group only, or in a transaction', async () => {
  const it = new Coordinator()
  it.commit({})
  throws(() => it.commit({ memberId: 'x', generation: 1 }), isCode('UNKNOWN_MEMBER_ID'))
  const one = await it.stable()
  throws(() => it.commit({}), isCode('UNKNOWN_MEMBER_ID'))
  it.commit({}, true)
  throws(() => it.commit({ memberId: one.memberId }), isCode('ILLEGAL_GENERATION'))
  it.groups.leave({ group: 'g', memberId: one.memberId })
  it.commit({})
})

test('a member whose texts cannot be kept is refused, and the others stay', async () => {
  const it = new Coordinator()
  const one = await it.stable()
  const long = 'x'.repeat(0x8000)
  for (const instanceId of [long.slice(37), '\ud800'])
    await rejects(it.join({ instanceId }), isCode('INVALID_ARGUMENT', /instance id/))
  const protocols = [
    { name: 'range', metadata: bytes('') },
    { name: long, metadata: bytes('') },
  ]
  for (const request of [
    { clientId: long.slice(37) },
    { clientHost: long },
    { clientId: '\udc00' },
    { protocols },
  ])
    await rejects(it.join(request), isCode('INVALID_ARGUMENT', /bytes of UTF-8/))
  for (const group of ['', long, '\ud800'])
    await rejects(it.join({ group }), isCode('INVALID_ARGUMENT', /name of a group/))
  deepEqual([it.state, it.groups.names()], ['Stable', ['g']])
  it.commit(one)
  const [, two] = await it.joinBeside(one, { clientId: long.slice(38), instanceId: long.slice(38) })
  equal(two.generation, 2)
})

test('a static member comes back under a new id, with its assignment and without a rebalance', async () => {
  const it = new Coordinator()
  const [, two] = await it.stableTwo({ instanceId: 'i' })
  const back = await it.join({ instanceId: 'i' })
  deepEqual([back.generation, it.state, back.memberId === two.memberId], [2, 'Stable', false])
  equal(Buffer.from((await it.sync(back)).assignment).toString(), 'b')
  throws(() => it.commit(two, false, 'i'), isCode('FENCED_INSTANCE_ID'))
  throws(() => it.groups.heartbeat(it.memberOf(two, 'i')), isCode('FENCED_INSTANCE_ID'))
  it.commit(back, false, 'i')
})

test('a static member that is away keeps its place until its session is over', async () => {
  const it = new Coordinator()
  const [one] = await it.stableTwo({ instanceId: 'i', sessionTimeoutMs: 60_000 })
  const again = it.join({ memberId: one.memberId, says: 'new' })
  await it.clock.advance(rebalanceMs + 1000)
  equal((await again).members.length, 2)
  await it.clock.advance(60_000)
  equal(it.groups.members('g'), 0)
})

test('a static leader that comes back assigns nothing', async () => {
  const it = new Coordinator()
  await it.stable({ instanceId: 'i' })
  const back = await it.join({ instanceId: 'i' })
  deepEqual([back.skipAssignment, back.leader === back.memberId], [true, true])
  equal(Buffer.from((await it.sync(back)).assignment).toString(), 'all')
})
