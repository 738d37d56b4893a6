/** A member and its coordinator: how it joins, and how long it is there. */
import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { ActiveClock } from '../base/index.ts'
import { GroupMember, type GroupCoordinator } from '../port/index.ts'
import { Coordinator, sessionMs } from './group-coordinator.test-support.ts'

test('a new member joins again with the id that the coordinator requires, also after a deletion', async () => {
  const { clock, groups } = new Coordinator()
  const ids: string[] = []
  const coordinator: GroupCoordinator = {
    join: async request => {
      ids.push(request.memberId)
      if (ids.length === 2) await groups.whileDeleting('g', forget => forget())
      return groups.join({ ...request, requireMemberId: true })
    },
    sync: request => groups.sync(request),
    heartbeat: member => groups.heartbeat(member),
    rebalance: member => groups.rebalance(member),
    leave: request => groups.leave(request),
    commit: commit => groups.commit(commit),
  }
  const member = new GroupMember(
    {
      coordinator,
      active: new ActiveClock(clock),
      clientId: 'c',
      clientHost: '/h',
      counts: async () => new Map([['t', 2]]),
      ended: () => undefined,
    },
    { group: 'g', topics: [['t']], onAssigned() {}, onRevoked() {}, onLost() {} },
  )
  const { memberId, assignment } = await member.join()
  deepEqual(ids, ['', ids[1], '', memberId])
  notEqual(ids[1], memberId)
  equal(assignment.length, 2)
  equal(groups.members('g'), 1)
  await member.leave()
  equal(groups.members('g'), 0)
})

test('the signal of a member in this process has one listener, however often the member joins again', async () => {
  const it = new Coordinator()
  const alive = new AbortController()
  const join = { alive: alive.signal, clientHost: 'in process' }
  const first = await it.stable(join)
  for (let n = 0; n < 3; n += 1) await it.stable({ ...join, memberId: first.memberId })
  equal(getEventListeners(alive.signal, 'abort').length, 1)
  alive.abort()
  await it.clock.advance(sessionMs + 1000)
  equal(it.groups.members('g'), 0)
})
