/** Groups, their administration, and transactions. */
import kafkajs from 'kafkajs'
import { me, newName, outcome, runCase, until } from '../cases.js'
import { kafka, admin, newTopic, numbered, send, run, read, partitionsOf, settle } from './client.js'

const { AssignerProtocol, PartitionAssigners } = kafkajs

await runCase('groups', 'continues from what was committed', async () => {
  const topic = await newTopic()
  const groupId = newName()
  await send(topic, numbered(5))
  const before = await read(topic, 5, { groupId })
  await send(topic, numbered(3, 5))
  return [before.length, await read(topic, 3, { groupId })]
})

await runCase('groups', 'commits by call, with metadata', async () => {
  const topic = await newTopic()
  const groupId = newName()
  await send(topic, numbered(5))
  const { consumer, messages } = await run([topic], { groupId }, false)
  await until('records', () => messages.length >= 5)
  await consumer.commitOffsets([{ topic, partition: 0, offset: '3', metadata: 'three' }])
  await consumer.disconnect()
  return admin
    .fetchOffsets({ groupId, topics: [topic] })
    .then(found => found.map(({ partitions }) => partitions))
})

await runCase('groups', 'two members, then one', async () => {
  const topic = await newTopic(4)
  const groupId = newName()
  const running = [await run([topic], { groupId }), await run([topic], { groupId })]
  const shared = await until('shares', () => {
    const found = partitionsOf(running, topic)
    return found.every(each => each.length === 2) && found
  })
  await running.pop().consumer.disconnect()
  const rest = await until('all', () => {
    const found = partitionsOf(running, topic)
    return found[0]?.length === 4 && found
  })
  await running[0].consumer.disconnect()
  return [shared, rest]
})

await runCase('groups', 'a custom assigner, with user data', async () => {
  const topic = await newTopic(3)
  const { consumer, assigned } = await run([topic], {
    partitionAssigners: [
      () => ({
        name: 'backwards',
        version: 1,
        assign: async ({ members, topics }) =>
          members.map(({ memberId }) => ({
            memberId,
            memberAssignment: AssignerProtocol.MemberAssignment.encode({
              version: 1,
              assignment: Object.fromEntries(topics.map(each => [each, [2, 0]])),
              userData: Buffer.from('data'),
            }),
          })),
        protocol: ({ topics }) => ({
          name: 'backwards',
          metadata: AssignerProtocol.MemberMetadata.encode({
            version: 1,
            topics,
            userData: Buffer.from('mine'),
          }),
        }),
      }),
      PartitionAssigners.roundRobin,
    ],
  })
  const result = await until('assignment', () => assigned.at(-1)?.[topic])
  await consumer.disconnect()
  return result
})

await runCase('group admin', 'describe, list, delete', async () => {
  const topic = await newTopic(2)
  const groupId = newName()
  const { consumer, assigned } = await run([topic], { groupId })
  await until('assignment', () => assigned.length > 0)
  const describe = async ()                   =>
    (await admin.describeGroups([groupId])).groups.map(group => [
      group.state, group.protocol, group.protocolType, group.errorCode,
      group.members.map(({ clientId, clientHost, memberAssignment, memberMetadata }) => [
        clientId, clientHost, AssignerProtocol.MemberAssignment.decode(memberAssignment),
        AssignerProtocol.MemberMetadata.decode(memberMetadata),
]),
]) // prettier-ignore
  const stable = await describe()
  const busy = await outcome(() => admin.deleteGroups([groupId]))
  await consumer.disconnect()
  const empty = await describe()
  const { groups } = await admin.listGroups()
  const listed = groups.filter(group => group.groupId === groupId).map(group => group.protocolType)
  const deleted = await outcome(() => admin.deleteGroups([groupId]))
  const again = await outcome(() => admin.deleteGroups([groupId]))
  const dead = await describe()
  return JSON.parse(
    JSON.stringify([stable, busy, empty, listed, deleted, again, dead]).replaceAll(groupId, 'GROUP'),
  )
})

await runCase('group admin', 'set offsets', async () => {
  const topic = await newTopic()
  await settle()
  const groupId = newName()
  await send(topic, numbered(5))
  const seen = async () => (await admin.fetchOffsets({ groupId, topics: [topic] }))[0]?.partitions
  const steps = [await seen()]
  await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '3' }] })
  return [...steps, await seen()]
})

await runCase('transactions', 'offsets in them, committed and aborted', async () => {
  const [topic, to] = [await newTopic(), await newTopic()]
  const consumerGroupId = newName()
  const transactional = kafka.producer({
    transactionalId: `${me}-offsets`,
    maxInFlightRequests: 1,
    idempotent: true,
  })
  await transactional.connect()
  const result = []
  for (const [offset, ends] of [
    ['3', 'commit'],
    ['5', 'abort'],
  ]) {
    const transaction = await transactional.transaction()
    await transaction.send({ topic: to, messages: numbered(1) })
    await transaction.sendOffsets({
      consumerGroupId,
      topics: [{ topic, partitions: [{ partition: 0, offset }] }],
    })
    await (ends === 'commit' ? transaction.commit() : transaction.abort())
    // Kafka's offsets appear once the markers of the transaction are written.
    await until(
      'marker',
      async () => (await admin.fetchTopicOffsets(to))[0].high === `${2 * result.length + 2}`,
    )
    const offsets = async () => {
      const [found] = await admin.fetchOffsets({ groupId: consumerGroupId, topics: [topic] })
      return found?.partitions[0].offset !== '-1' && found?.partitions
    }
    result.push(await until('offsets', offsets))
  }
  await transactional.disconnect()
  return result
})

await runCase('transactions', 'a second producer fences the first', async () => {
  const topic = await newTopic()
  const config = { transactionalId: `${me}-fenced`, maxInFlightRequests: 1, idempotent: true }
  const [first, second] = [kafka.producer(config), kafka.producer(config)]
  await first.connect()
  const transaction = await first.transaction()
  await transaction.send({ topic, messages: numbered(1) })
  await second.connect()
  const other = await second.transaction()
  const refused = await outcome(() => transaction.commit())
  await other.send({ topic, messages: numbered(1, 1) })
  await other.commit()
  await Promise.all([first.disconnect(), second.disconnect()])
  return [refused, await read(topic, 1)]
})
