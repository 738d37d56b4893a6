/** The cases of kafkajs: pure JavaScript, with old versions of the protocol. */
import kafkajs from 'kafkajs'
import process from 'node:process'
import { bootstrap, epochMs, me, newName, outcome, runCase, until } from './cases.js'

const { AssignerProtocol, CompressionTypes, ConfigResourceTypes, Kafka, logLevel, PartitionAssigners } =
  kafkajs
const kafka = new Kafka({
  brokers: [bootstrap],
  clientId: 'kafkajs',
  logLevel: logLevel.NOTHING,
  retry: { retries: 3, initialRetryTime: 100 },
})
const admin = kafka.admin()
const producer = kafka.producer()
await Promise.all([admin.connect(), producer.connect()])

async function newTopic(numPartitions = 1, configs = {}) {
  const topic = newName()
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
  await admin.createTopics({ topics: [{ topic, numPartitions, configEntries }] })
  return topic
}

function numbered(count, begin = 0) {
  return Array.from({ length: count }, (_, n) => ({
    key: `key ${begin + n}`,
    value: `value ${begin + n}`,
    partition: 0,
    timestamp: String(epochMs + begin + n),
  }))
}

const send = async (topic, messages, acks = -1) =>
  (await producer.send({ topic, messages, acks })).map(({ partition, baseOffset, errorCode }) => [
    partition,
    baseOffset,
    errorCode,
  ])

/** Starts a member, which reads from the beginning. */
async function run(topics, config = {}, autoCommit = true) {
  const consumer = kafka.consumer({
    groupId: newName(),
    maxWaitTimeInMs: 100,
    heartbeatInterval: 200,
    sessionTimeout: 10_000,
    ...config,
  })
  const messages = []
  const assigned = []
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => assigned.push(payload.memberAssignment))
  await consumer.connect()
  await consumer.subscribe({ topics, fromBeginning: true })
  await consumer.run({
    autoCommit,
    autoCommitThreshold: 1,
    eachMessage: async ({ partition, message }) => void messages.push({ ...message, partition }),
  })
  return { consumer, messages, assigned }
}

/** The first records of a topic, as a new group gets them. */
async function read(topic, count, config = {}) {
  const { consumer, messages } = await run([topic], config)
  await until('records', () => messages.length >= count)
  await consumer.disconnect()
  return messages.map(shown)
}

function shown({ offset, key, value, headers, timestamp }) {
  const textOf = bytes =>
    bytes ? (bytes.length < 100 ? bytes.toString('latin1') : bytes.length) : (bytes ?? null)
  return {
    offset,
    key: textOf(key),
    value: textOf(value),
    time: Number(timestamp) < epochMs + 1e6 ? timestamp : 'now',
    headers: Object.entries(headers ?? {}).map(([name, found]) => [
      name,
      [found].flat().map(each => textOf(each)),
    ]),
  }
}

const partitionsOf = (running, topic) =>
  running.map(({ assigned }) => assigned.at(-1)?.[topic] ?? []).sort((a, b) => (a[0] ?? -1) - (b[0] ?? -1))

for (const [name, compression] of [
  ['none', CompressionTypes.None],
  ['gzip', CompressionTypes.GZIP],
])
  await runCase('codecs', name, async () => {
    const topic = await newTopic()
    await producer.send({ topic, messages: numbered(20), compression })
    return read(topic, 20)
  })

await runCase('records', 'null keys, null and empty values', async () => {
  const topic = await newTopic()
  await send(topic, [{ value: 'v' }, { key: 'k', value: null }, { key: '', value: '' }])
  return (await read(topic, 3)).map(record => ({ ...record, time: undefined }))
})

await runCase('records', 'headers: text, binary, several of a name', async () => {
  const topic = await newTopic()
  await send(topic, [{ value: 'v', headers: { a: 'x', b: Buffer.from([0, 255]), c: ['1', '2'], grüße: '' } }])
  return read(topic, 1)
})

await runCase('records', 'one of 900 KB', async () => {
  const topic = await newTopic()
  await send(topic, [{ value: 'x'.repeat(900_000) }])
  return read(topic, 1)
})

await runCase('records', 'five thousand', async () => {
  const topic = await newTopic()
  await send(topic, numbered(5000))
  return (await read(topic, 5000)).length
})

await runCase('produce', 'to several partitions by key', async () => {
  const topic = await newTopic(4)
  await producer.send({
    topic,
    messages: Array.from({ length: 30 }, (_, n) => ({ key: `key ${n}`, value: `${n}` })),
  })
  const { consumer, messages } = await run([topic])
  await until('records', () => messages.length >= 30)
  await consumer.disconnect()
  return messages.map(({ partition, value }) => [partition, Number(value)]).sort(([, a], [, b]) => a - b)
})

for (const acks of [0, 1, -1])
  await runCase('produce', `acks ${acks}`, async () => {
    const topic = await newTopic()
    const acknowledged = await send(topic, numbered(2), acks)
    return [acknowledged, (await read(topic, 2)).length]
  })

await runCase('produce', 'idempotent', async () => {
  const topic = await newTopic()
  const idempotent = kafka.producer({ idempotent: true })
  await idempotent.connect()
  for (let n = 0; n < 5; n += 1) await idempotent.send({ topic, messages: numbered(10, 10 * n) })
  await idempotent.disconnect()
  return (await read(topic, 50)).length
})

await runCase('produce', 'a batch to several topics', async () => {
  const topics = [await newTopic(), await newTopic()]
  const sent = await producer.sendBatch({
    topicMessages: topics.map(topic => ({ topic, messages: numbered(2) })),
  })
  return [sent.map(({ errorCode, baseOffset }) => [errorCode, baseOffset]), (await read(topics[1], 2)).length]
})

await runCase('produce', 'too large for the topic', async () => {
  const topic = await newTopic(1, { 'max.message.bytes': '500' })
  return send(topic, [{ value: 'x'.repeat(1000) }])
})

await runCase('produce', 'to a topic of an invalid name', () => send('a/b', numbered(1)))
await runCase('produce', 'too old for the topic', async () => {
  const topic = await newTopic(1, { 'message.timestamp.before.max.ms': '1000' })
  return send(topic, numbered(1))
})

await runCase('offsets', 'of a topic: low, high', async () => {
  const topic = await newTopic(2)
  await send(topic, numbered(5))
  return (await admin.fetchTopicOffsets(topic)).sort((a, b) => a.partition - b.partition)
})

await runCase('offsets', 'by time', async () => {
  const topic = await newTopic()
  await send(topic, numbered(10))
  const found = [epochMs - 1, epochMs + 4, epochMs + 100].map(at =>
    admin.fetchTopicOffsetsByTimestamp(topic, at),
  )
  return Promise.all(found)
})

await runCase('offsets', 'of a topic that does not exist', () => admin.fetchTopicOffsets(`${me}-unknown`))

await runCase('consume', 'seek', async () => {
  const topic = await newTopic()
  await send(topic, numbered(10))
  const { consumer, messages } = await run([topic])
  await until('records', () => messages.length >= 10)
  consumer.seek({ topic, partition: 0, offset: '7' })
  await until('records again', () => messages.length >= 13)
  await consumer.disconnect()
  return messages.slice(10).map(shown)
})

await runCase('consume', 'pause and resume', async () => {
  const topic = await newTopic()
  const { consumer, messages, assigned } = await run([topic])
  await until('assignment', () => assigned.length > 0)
  consumer.pause([{ topic }])
  await send(topic, numbered(1))
  await new Promise(resolve => setTimeout(resolve, 500))
  const paused = messages.length
  consumer.resume([{ topic }])
  await until('records', () => messages.length > 0)
  await consumer.disconnect()
  return paused
})

await runCase('consume', 'read committed', async () => {
  const topic = await newTopic()
  const transactional = kafka.producer({
    transactionalId: `${me}-read`,
    maxInFlightRequests: 1,
    idempotent: true,
  })
  await transactional.connect()
  for (const [n, ends] of ['commit', 'abort', 'commit'].entries()) {
    const transaction = await transactional.transaction()
    await transaction.send({ topic, messages: numbered(2, 10 * n) })
    await (ends === 'commit' ? transaction.commit() : transaction.abort())
  }
  await transactional.disconnect()
  return [await read(topic, 4), (await read(topic, 6, { readUncommitted: true })).length]
})

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
  // Kafka's coordinator of groups learns of a topic later than others do.
  await new Promise(resolve => setTimeout(resolve, 200))
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
    await new Promise(resolve => setTimeout(resolve, 200))
    result.push((await admin.fetchOffsets({ groupId: consumerGroupId, topics: [topic] }))[0]?.partitions)
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

await runCase('topics', 'create, describe, delete', async () => {
  const topic = newName()
  const made = await admin.createTopics({ topics: [{ topic, numPartitions: 3 }] })
  const again = await admin.createTopics({ topics: [{ topic, numPartitions: 3 }] })
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  const deleted = await outcome(() => admin.deleteTopics({ topics: [topic] }))
  const unknown = await outcome(() => admin.deleteTopics({ topics: [topic] }))
  return [
    made,
    again,
    topics.map(each => each.partitions.sort((a, b) => a.partitionId - b.partitionId)),
    deleted,
    unknown,
  ]
})

const wrongTopics = {
  'of an invalid name': { topic: 'a/b' },
  'without partitions': { topic: newName(), numPartitions: 0 },
  'of three replicas': { topic: newName(), replicationFactor: 3 },
  'with a wrong config': { topic: newName(), configEntries: [{ name: 'retention.ms', value: 'soon' }] },
}
for (const [name, topic] of Object.entries(wrongTopics))
  await runCase('topics', `create one ${name}`, () => admin.createTopics({ topics: [topic] }))

await runCase('topics', 'create, only validated', async () => {
  const topic = newName()
  const made = await outcome(() =>
    admin.createTopics({ topics: [{ topic }], validateOnly: true, waitForLeaders: false }),
  )
  return [made, (await admin.listTopics()).includes(topic)]
})

await runCase('topics', 'more partitions', async () => {
  const topic = await newTopic()
  const grown = await outcome(() => admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] }))
  const fewer = await outcome(() => admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] }))
  return [grown, fewer, (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length]
})

await runCase('topics', 'delete records', async () => {
  const topic = await newTopic()
  await send(topic, numbered(10))
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] })
  const past = await outcome(() =>
    admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '99' }] }),
  )
  return [await admin.fetchTopicOffsets(topic), past]
})

await runCase('configs', 'describe and alter', async () => {
  const topic = await newTopic(1, { 'retention.ms': '5000' })
  const seen = async () => {
    // Kafka's brokers learn of a change later than its controller answers.
    await new Promise(resolve => setTimeout(resolve, 150))
    const configNames = ['retention.ms', 'cleanup.policy']
    const { resources } = await admin.describeConfigs({
      includeSynonyms: true,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames }],
    })
    return resources.map(({ configEntries, errorCode }) => [errorCode, configEntries])
  }
  const before = await seen()
  const alter = (name, value) =>
    outcome(() =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name, value }] }],
      }),
    )
  return [
    before,
    await alter('cleanup.policy', 'compact'),
    await seen(),
    await alter('cleanup.policy', 'burn'),
  ]
})

await runCase('metadata', 'the cluster', async () => {
  const { brokers, controller } = await admin.describeCluster()
  return [brokers.map(({ nodeId, host }) => [nodeId, host]), controller]
})

await producer.disconnect()
await admin.disconnect()
process.exit(0)
