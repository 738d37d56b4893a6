/** Groups: the assignment, its changes, and the right to commit. */
import assert from 'node:assert/strict'
import { partitionNames, refuses, stateOf } from './harness.ts'
import type { Cases } from './index.ts'
import { join, reluctant, settled } from './members.ts'

export const groupCases: Cases = {
  async 'a single member gets everything'(h) {
    const topic = await h.topic(3)
    const one = await join(h, h.name('group'), [[topic]])
    await settled(h, [one], [3])
    assert.deepEqual(partitionNames(one.membership.assignment), [...one.owned].toSorted())
    await one.membership.leave()
    assert.equal(one.owned.size, 0)
  },

  async 'members share, and partitions with one number stay together'(h) {
    const [left, right] = [await h.topic(4), await h.topic(4)]
    const group = h.name('group')
    const one = await join(h, group, [[left, right]], { protocol: 'streams' })
    const two = await join(h, group, [[right, left]], { protocol: 'streams' })
    await settled(h, [one, two], [4, 4])
    for (const { owned } of [one, two])
      for (let partition = 0; partition < 4; partition += 1)
        assert.equal(owned.has(`${left}/${partition}`), owned.has(`${right}/${partition}`))
    assert.equal(new Set([...one.owned, ...two.owned]).size, 8)
    await two.membership.leave()
    await settled(h, [one], [8])
    await one.membership.leave()
  },

  async 'a partition is given away only when its member has released it'(h) {
    const topic = await h.topic(2)
    const group = h.name('group')
    const { one, asked, letGo } = await reluctant(h, group, topic)
    await settled(h, [one], [2])
    const kept = new Set(one.owned)
    const joining = join(h, group, [[topic]], {
      onAssigned: partitions => {
        for (const name of partitionNames(partitions)) assert(!one.owned.has(name), `${name} has two owners`)
      },
    })
    await asked
    assert.equal(await stateOf(joining), 'pending')
    assert.deepEqual(one.owned, kept)
    // The member may still commit, with the generation in which it had the partition.
    await one.membership.commit([
      { topic, partition: 0, offset: 11 },
      { topic, partition: 1, offset: 12 },
    ])
    letGo()
    const two = await joining
    await settled(h, [one, two], [1, 1])
    assert.equal(await h.committed(group, topic, 0), 11)
    assert.equal(one.events.filter(event => event.startsWith('revoked')).length, 1)
    await one.membership.leave()
    await two.membership.leave()
  },

  async 'a partition is given only to the member that keeps it, when members come during a rebalance'(h) {
    const topic = await h.topic(4)
    const group = h.name('group')
    const { one, asked, letGo } = await reluctant(h, group, topic)
    const second = join(h, group, [[topic]])
    await asked
    const third = join(h, group, [[topic]])
    assert.equal(await stateOf(third), 'pending')
    letGo()
    const [two, three] = await Promise.all([second, third])
    await settled(h, [one, two, three], [2, 1, 1])
    for (const { events } of [two, three]) assert.equal(events.length, 1, events.join('; '))
    for (const { membership } of [one, two, three]) await membership.leave()
  },

  async 'a commit with a past generation is fenced'(h) {
    const topic = await h.topic(2)
    const group = h.name('group')
    const one = await join(h, group, [[topic]])
    const { memberId, generation } = one.membership
    const two = await join(h, group, [[topic]])
    await settled(h, [one, two], [1, 1])
    const offsets = [{ topic, partition: 0, offset: 1 }]
    const stale = { group, memberId, generation, offsets }
    await refuses('MEMBER_FENCED', h.port.commitOffsets(stale))
    const writer = await h.port.openWriter({ transactionalId: h.name('writer') })
    await refuses('MEMBER_FENCED', writer.commit(stale))
    await writer.close()
    await refuses('MEMBER_FENCED', h.port.commitOffsets({ ...stale, memberId: 'nobody' }))
    assert.equal(await h.committed(group, topic), undefined)
    await one.membership.commit(offsets)
    assert.equal(await h.committed(group, topic), 1)
    await one.membership.leave()
    await refuses('MEMBER_FENCED', one.membership.commit([{ topic, partition: 0, offset: 2 }]))
    assert.equal(await h.committed(group, topic), 1)
    await two.membership.leave()
  },

  async 'a member that does not give back its partitions in time is expelled'(h) {
    const topic = await h.topic(2)
    const group = h.name('group')
    const stuck = Promise.withResolvers<void>()
    const one = await join(h, group, [[topic]], { rebalanceTimeoutMs: 200, onRevoked: () => stuck.promise })
    await settled(h, [one], [2])
    const joining = join(h, group, [[topic]])
    for (let turn = 0; turn < 400 && (await stateOf(joining)) === 'pending'; turn += 1) await h.pass(50)
    const two = await joining
    await settled(h, [two], [2])
    assert(one.events.some(event => event.startsWith('lost')))
    await refuses('MEMBER_FENCED', one.membership.commit([{ topic, partition: 0, offset: 1 }]))
    stuck.resolve()
    await two.membership.leave()
  },

  async 'a member keeps the partition that it works on, and holds up no other member'(h) {
    const topic = await h.topic(3)
    const group = h.name('group')
    const work = Promise.withResolvers<void>()
    const busy = [{ topic, partition: 2 }]
    const one = await join(h, group, [[topic]], { busy: () => ({ partitions: busy, done: work.promise }) })
    const two = await join(h, group, [[topic]])
    const three = await join(h, group, [[topic]])
    await settled(h, [one, two, three], [1, 1, 1])
    assert.deepEqual([...one.owned], partitionNames(busy))
    work.resolve()
    await h.pass(5)
    for (const { membership } of [one, two, three]) await membership.leave()
    assert(![...one.events, ...two.events].some(event => event.startsWith('lost')))
  },

  async 'a member that is at work for too long once others have come is expelled'(h) {
    const topic = await h.topic(2)
    const group = h.name('group')
    const work = { partitions: [{ topic, partition: 1 }], done: new Promise<void>(() => undefined) }
    const one = await join(h, group, [[topic]], { rebalanceTimeoutMs: 200, busy: () => work })
    await h.pass(1000)
    assert.equal(one.owned.size, 2)
    const two = await join(h, group, [[topic]])
    await settled(h, [one, two], [1, 1])
    await settled(h, [two], [2])
    assert.equal(one.events.at(-1), `lost ${topic}/1 MEMBER_FENCED`)
    await refuses('MEMBER_FENCED', one.membership.commit([{ topic, partition: 1, offset: 1 }]))
    await two.membership.leave()
  },

  async 'members learn of the deletion of their topic, also those without partitions of it'(h) {
    const topic = await h.topic()
    const group = h.name('group')
    const one = await join(h, group, [[topic]])
    const two = await join(h, group, [[topic]])
    await settled(h, [one, two], [1, 0])
    await h.port.deleteTopic(topic)
    await h.pass(5)
    assert.equal(one.events.at(-1), `lost ${topic}/0 UNKNOWN_TOPIC`)
    assert.equal(two.events.at(-1), 'lost  UNKNOWN_TOPIC')
    for (const { membership } of [one, two]) await membership.leave()
  },

  async 'members of a group use their partitions in the same way'(h) {
    const topic = await h.topic(2)
    const group = h.name('group')
    const one = await join(h, group, [[topic]], { protocol: 'streams' })
    await refuses('INCONSISTENT_GROUP_PROTOCOL', join(h, group, [[topic]]))
    const two = await join(h, group, [[topic]], { protocol: 'streams' })
    await settled(h, [one, two], [1, 1])
    await one.membership.leave()
    await two.membership.leave()
    await (await join(h, group, [[topic]])).membership.leave()
  },

  async 'topics that are shared together have one partition count'(h) {
    const topics = [await h.topic(2), await h.topic(3)]
    await refuses('NOT_COPARTITIONED', join(h, h.name('group'), [topics], { protocol: 'streams' }))
    await refuses('INVALID_ARGUMENT', join(h, h.name('group'), [topics]))
  },

  async 'the offsets of a group without members are replaced as a whole, and it is listed with them'(h) {
    const topic = await h.topic(3)
    const group = h.name('group')
    const at = (partition: number, offset: number) => ({ topic, partition, offset })
    const listed = async () => (await h.port.listGroups()).find(each => each.group === group)
    assert.equal(await listed(), undefined)
    await h.port.commitOffsets({ group, offsets: [at(0, 5), at(1, 6)] })
    await h.port.setOffsets(group, [at(1, 2), { ...at(2, 3), metadata: 'why' }])
    const offsets = [at(1, 2), { ...at(2, 3), metadata: 'why' }]
    assert.deepEqual(await listed(), { group, members: 0, offsets })
    assert.equal(await h.committed(group, topic, 0), undefined)
    const one = await join(h, group, [[topic]])
    assert.deepEqual(await listed(), { group, members: 1, offsets })
    await refuses('GROUP_NOT_EMPTY', h.port.setOffsets(group, []))
    await one.membership.leave()
    await refuses('UNKNOWN_PARTITION', h.port.setOffsets(group, [at(3, 1)]))
    await refuses('INVALID_ARGUMENT', h.port.setOffsets(group, [at(0, -1)]))
    await h.port.setOffsets(group, [])
    assert.equal(await listed(), undefined)
  },

  async 'a commit that is made during a rebalance counts in the next generation'(h) {
    const topic = await h.topic(2)
    const group = h.name('group')
    const one = await join(h, group, [[topic]])
    const { generation } = one.membership
    const joining = join(h, group, [[topic]])
    await one.membership.commit([{ topic, partition: 0, offset: 3 }])
    const two = await joining
    await settled(h, [one, two], [1, 1])
    assert(one.membership.generation > generation)
    assert.equal(await h.committed(group, topic, 0), 3)
    for (const { membership } of [one, two]) await membership.leave()
  },

  async 'a transaction commits in the name of a member; a former member, or generation, is fenced'(h) {
    const topic = await h.topic()
    const group = h.name('group')
    const one = await join(h, group, [[topic]])
    const writer = await h.port.openWriter({ transactionalId: h.name('writer') })
    const offsets = [{ topic, partition: 0, offset: 7 }]
    const stale = await one.membership.committing(async committer => {
      await writer.commit({ ...committer, offsets })
      return committer
    })
    assert.equal(await h.committed(group, topic), 7)
    await one.membership.leave()
    await refuses(
      'MEMBER_FENCED',
      one.membership.committing(committer => writer.commit({ ...committer, offsets })),
    )
    await refuses('MEMBER_FENCED', writer.commit({ ...stale, offsets }))
    await writer.close()
  },

  async 'only members commit for a group that has some'(h) {
    const topic = await h.topic()
    const group = h.name('group')
    const one = await join(h, group, [[topic]])
    const offsets = [{ topic, partition: 0, offset: 1 }]
    await refuses('MEMBER_FENCED', h.port.commitOffsets({ group, offsets }))
    await one.membership.leave()
    await h.port.commitOffsets({ group, offsets })
    assert.equal(await h.committed(group, topic), 1)
  },

  async 'a partition moves without touching the others, and with range all are given back first'(h) {
    for (const assignors of [['cooperative-sticky'], ['range']] as const) {
      const topic = await h.topic(4)
      const group = h.name('group')
      const one = await join(h, group, [[topic]], { assignors })
      const two = await join(h, group, [[topic]], { assignors })
      await settled(h, [one, two], [2, 2])
      const given = one.events.filter(event => event.startsWith('revoked')).join()
      assert.equal(given.split(topic).length - 1, assignors[0] === 'range' ? 4 : 2, given)
      for (const { membership } of [one, two]) await membership.leave()
    }
  },

  async 'members without an assignor in common do not share a group'(h) {
    const topic = await h.topic()
    const group = h.name('group')
    const one = await join(h, group, [[topic]], { assignors: ['range'] })
    await refuses('INCONSISTENT_GROUP_PROTOCOL', join(h, group, [[topic]]))
    const two = await join(h, group, [[topic]], { assignors: ['cooperative-sticky', 'range'] })
    for (const { membership } of [one, two]) await membership.leave()
  },

  async 'a static member that comes back gets its partitions again, without a rebalance'(h) {
    const topic = await h.topic(2)
    const group = h.name('group')
    const one = await join(h, group, [[topic]])
    const two = await join(h, group, [[topic]], { instanceId: 'i' })
    await settled(h, [one, two], [1, 1])
    const { generation } = one.membership
    const before = partitionNames(two.membership.assignment)
    await two.membership.leave()
    const back = await join(h, group, [[topic]], { instanceId: 'i' })
    assert.deepEqual(partitionNames(back.membership.assignment), before)
    assert.deepEqual([one.membership.generation, back.membership.generation], [generation, generation])
    await back.membership.leave()
    await one.membership.leave()
  },

  async 'a second member with an instance id fences the first one'(h) {
    const topic = await h.topic()
    const group = h.name('group')
    const one = await join(h, group, [[topic]], { instanceId: 'i' })
    const two = await join(h, group, [[topic]], { instanceId: 'i' })
    await settled(h, [one, two], [0, 1])
    assert.equal(one.events.at(-1), `lost ${topic}/0 MEMBER_FENCED`)
    await refuses('MEMBER_FENCED', one.membership.commit([{ topic, partition: 0, offset: 1 }]))
    await two.membership.commit([{ topic, partition: 0, offset: 2 }])
    assert.equal(await h.committed(group, topic), 2)
    await two.membership.leave()
  },

  async 'the partitions of a static member go to others when its session is over'(h) {
    const topic = await h.topic(2)
    const group = h.name('group')
    const one = await join(h, group, [[topic]])
    const two = await join(h, group, [[topic]], { instanceId: 'i', sessionTimeoutMs: 6000 })
    await settled(h, [one, two], [1, 1])
    await two.membership.leave()
    await h.pass(1000)
    assert.equal(one.owned.size, 1)
    for (let turn = 0; turn < 200 && one.owned.size < 2; turn += 1) await h.pass(100)
    await settled(h, [one], [2])
    await one.membership.leave()
  },

  async 'after a crash a group gives no generation twice, and former members are fenced'(h) {
    const topic = await h.topic()
    const group = h.name('group')
    const seen = new Set<number>()
    for (let run = 0; run < 3; run += 1) {
      const { membership } = await join(h, group, [[topic]])
      const { memberId, generation } = membership
      assert(!seen.has(generation), `generation ${generation} was given twice`)
      seen.add(generation)
      await h.crash()
      const offsets = [{ topic, partition: 0, offset: 1 }]
      await refuses('MEMBER_FENCED', h.port.commitOffsets({ group, memberId, generation, offsets }))
    }
  },

  async 'a group is described with its members and what they have'(h) {
    const topic = await h.topic(2)
    const group = h.name('group')
    assert.equal(await h.port.admin.describeGroup(group), undefined)
    const one = await join(h, group, [[topic]])
    const two = await join(h, group, [[topic]], { instanceId: 'i' })
    await settled(h, [one, two], [1, 1])
    const found = await h.port.admin.describeGroup(group)
    assert.deepEqual(
      [found?.state, found?.protocolType, found?.protocol, found?.generation],
      ['Stable', 'consumer', 'cooperative-sticky', one.membership.generation],
    )
    assert.deepEqual(
      found?.members.map(({ memberId, instanceId, assignment }) => [
        memberId,
        instanceId,
        partitionNames(assignment),
      ]),
      [one, two].map(({ membership: { memberId, assignment } }, index) => [
        memberId,
        index === 0 ? undefined : 'i',
        partitionNames(assignment),
      ]),
    )
    for (const { membership } of [two, one]) await membership.leave()
  },

  async 'a group without members is deleted, and its offsets; members keep theirs'(h) {
    const [topic, other] = [await h.topic(), await h.topic()]
    const group = h.name('group')
    const { admin } = h.port
    await refuses('UNKNOWN_GROUP', admin.deleteGroup(group))
    await refuses('UNKNOWN_GROUP', admin.deleteOffsets(group, []))
    await h.port.commitOffsets({
      group,
      offsets: [
        { topic, partition: 0, offset: 1 },
        { topic: other, partition: 0, offset: 2 },
      ],
    })
    const one = await join(h, group, [[topic]])
    await refuses('GROUP_NOT_EMPTY', admin.deleteGroup(group))
    await refuses('GROUP_SUBSCRIBED_TO_TOPIC', admin.deleteOffsets(group, [{ topic, partition: 0 }]))
    await admin.deleteOffsets(group, [{ topic: other, partition: 0 }])
    assert.equal(await h.committed(group, other), undefined)
    assert.equal(await h.committed(group, topic), 1)
    await one.membership.leave()
    assert.equal((await admin.describeGroup(group))?.state, 'Empty')
    await admin.deleteGroup(group)
    assert.equal(await h.committed(group, topic), undefined)
    assert.equal(await admin.describeGroup(group), undefined)
  },

  async 'offsets outside a transaction come back, with their metadata and leader epoch'(h) {
    const topic = await h.topic(2)
    const group = h.name('group')
    assert.deepEqual(await h.port.committedOffsets(group, [{ topic, partition: 0 }]), [undefined])
    await h.port.commitOffsets({
      group,
      offsets: [{ topic, partition: 1, offset: 9, leaderEpoch: 4, metadata: 'resume here' }],
    })
    const asked = [0, 1].map(partition => ({ topic, partition }))
    const [none, some] = await h.port.committedOffsets(group, asked)
    assert.equal(none, undefined)
    assert.deepEqual(some, { topic, partition: 1, offset: 9, leaderEpoch: 4, metadata: 'resume here' })
    assert.equal(await h.committed(h.name('other'), topic, 1), undefined)
    await h.port.commitOffsets({ group, offsets: [{ topic, partition: 1, offset: 3 }] })
    assert.equal(await h.committed(group, topic, 1), 3)
  },
}
