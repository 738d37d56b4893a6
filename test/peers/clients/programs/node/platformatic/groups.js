/** Groups, their administration, and transactions. */
import { Producer, stringSerializers } from '@platformatic/kafka'
import { me, newName, outcome, runCase, until } from '../cases.js'
import { admin, base, newTopic, numbered, send, run, close, read, settle } from './client.js'

await runCase('groups', 'commits; the next member continues', async () => {
  const topic = await newTopic()
  const groupId = newName()
  await send(numbered(topic, 5))
  const first = await run(topic, { groupId })
  await until('records', () => first.messages.length >= 5)
  await first.messages[2].commit()
  await close(first)
  const second = await read(topic, 2, { groupId, mode: 'committed', fallbackMode: 'fail' })
  const [{ topics }] = await admin.listConsumerGroupOffsets({ groups: [groupId] })
  return [second, topics.map(({ partitions }) => partitions)]
})

await runCase('groups', 'two members, then one', async () => {
  const topic = await newTopic(4)
  const groupId = newName()
  const running = [await run(topic, { groupId }), await run(topic, { groupId })]
  const sizes = () => running.map(({ consumer }) => consumer.assignments?.[0]?.partitions.length ?? 0)
  const shared = await until('shares', () => sizes().every(size => size === 2) && sizes())
  await close(running.pop())
  const rest = await until('all', () => sizes()[0] === 4 && sizes())
  await close(running[0])
  return [shared, rest]
})

await runCase('groups', 'a static member', async () => {
  const topic = await newTopic()
  const groupId = newName()
  const running = await run(topic, { groupId, groupInstanceId: 'one' })
  await until('assignment', () => running.consumer.assignments?.length)
  const group = (await admin.describeGroups({ groups: [groupId] })).get(groupId)
  await close(running)
  return [...group.members.values()].map(({ groupInstanceId, clientId, clientHost }) => [
    groupInstanceId,
    clientId,
    clientHost,
  ])
})

await runCase('group admin', 'describe, list, delete', async () => {
  const topic = await newTopic(2)
  const groupId = newName()
  const describe = async () => {
    const group = (await admin.describeGroups({ groups: [groupId] })).get(groupId)
    return [group.state, group.protocolType, group.protocol, group.members.size]
  }
  const running = await run(topic, { groupId })
  await until('assignment', () => running.consumer.assignments?.length)
  const stable = await describe()
  const busy = await outcome(() => admin.deleteGroups({ groups: [groupId] }))
  await close(running)
  const listed = (await admin.listGroups({ states: ['EMPTY'] })).get(groupId)
  const deleted = await outcome(() => admin.deleteGroups({ groups: [groupId] }))
  const again = await outcome(() => admin.deleteGroups({ groups: [groupId] }))
  return [stable, busy, { ...listed, id: undefined }, deleted, again, await outcome(describe)]
})

await runCase('group admin', 'alter and delete offsets', async () => {
  const topic = await newTopic(2)
  await settle()
  const groupId = newName()
  const seen = async () => {
    const [{ topics }] = await admin.listConsumerGroupOffsets({ groups: [groupId] })
    return topics.flatMap(({ partitions }) =>
      partitions.map(each => [each.partitionIndex, each.committedOffset]),
    )
  }
  const partitionOffsets = [
    { partition: 0, offset: 3n },
    { partition: 1, offset: 4n },
  ]
  await admin.alterConsumerGroupOffsets({ groupId, topics: [{ name: topic, partitionOffsets }] })
  const before = await seen()
  await admin.deleteConsumerGroupOffsets({ groupId, topics: [{ name: topic, partitionIndexes: [0] }] })
  return [before.sort(), await seen()]
})

await runCase('group admin', 'remove the members', async () => {
  const topic = await newTopic()
  const groupId = newName()
  const running = await run(topic, { groupId, groupInstanceId: 'one' })
  await until('assignment', () => running.consumer.assignments?.length)
  const removed = await outcome(() => admin.removeMembersFromConsumerGroup({ groupId, members: null }))
  await close(running).catch(() => {})
  return removed
})

await runCase('transactions', 'commit, abort, commit', async () => {
  const topic = await newTopic()
  const transactional = new Producer({
    ...base,
    serializers: stringSerializers,
    idempotent: true,
    transactionalId: `${me}-basic`,
  })
  for (const [n, end] of ['commit', 'abort', 'commit'].entries()) {
    const transaction = await transactional.beginTransaction()
    await transaction.send({ messages: numbered(topic, 2, 10 * n) })
    await transaction[end]()
  }
  await transactional.close()
  return [await read(topic, 4, { isolationLevel: 1 }), (await read(topic, 6, { isolationLevel: 0 })).length]
})

await runCase('transactions', 'offsets in them', async () => {
  const topic = await newTopic()
  const groupId = newName()
  await send(numbered(topic, 3))
  const running = await run(topic, { groupId })
  await until('records', () => running.messages.length >= 3)
  const transactional = new Producer({
    ...base,
    serializers: stringSerializers,
    idempotent: true,
    transactionalId: `${me}-offsets`,
  })
  const result = []
  for (const [message, end] of [
    [running.messages[1], 'commit'],
    [running.messages[2], 'abort'],
  ]) {
    const transaction = await transactional.beginTransaction()
    await transaction.addConsumer(running.consumer)
    await transaction.addOffset(message)
    await transaction[end]()
    // Kafka's offsets appear once the markers of the transaction are written; until then they are unstable.
    const look = async () => {
      const [{ topics }] = await admin.listConsumerGroupOffsets({ groups: [groupId], requireStable: true })
      return topics.flatMap(({ partitions }) => partitions)
    }
    result.push(
      await until('offsets', async () => {
        const found = await outcome(look)
        return Array.isArray(found) && found.length > 0 && found
      }),
    )
  }
  await transactional.close()
  await close(running)
  return result
})
