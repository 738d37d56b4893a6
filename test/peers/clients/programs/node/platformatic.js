/** The cases of @platformatic/kafka: JavaScript, with the newest versions of the protocol. */
import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import process from 'node:process'
import { bootstrap, epochMs, me, newName, outcome, runCase, until } from './cases.js'

const base = { clientId: 'platformatic', bootstrapBrokers: [bootstrap], retries: 3, retryDelay: 100 }
const admin = new Admin(base)
const producer = new Producer({ ...base, serializers: stringSerializers })

async function newTopic(partitions = 1, configs = {}) {
  const topic = newName()
  const entries = Object.entries(configs).map(([name, value]) => ({ name, value }))
  await admin.createTopics({ topics: [topic], partitions, replicas: 1, configs: entries })
  return topic
}

function numbered(topic, count, begin = 0) {
  return Array.from({ length: count }, (_, n) => ({
    topic,
    partition: 0,
    key: `key ${begin + n}`,
    value: `value ${begin + n}`,
    timestamp: BigInt(epochMs + begin + n),
  }))
}

async function send(messages, options = {}) {
  const { offsets } = await producer.send({ messages, acks: -1, ...options })
  return offsets?.map(({ partition, offset }) => [partition, offset])
}

/** A member that reads, with what it got so far. */
async function run(topic, options = {}) {
  const consumer = new Consumer({
    ...base,
    groupId: newName(),
    deserializers: stringDeserializers,
    maxWaitTime: 100,
    sessionTimeout: 10_000,
    heartbeatInterval: 200,
    ...options,
  })
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false, ...options })
  const messages = []
  stream.on('data', message => messages.push(message))
  stream.on('error', () => {})
  return { consumer, stream, messages }
}

async function close({ consumer, stream }) {
  await stream.close()
  await consumer.close(true)
}

async function read(topic, count, options = {}) {
  const running = await run(topic, options)
  await until('records', () => running.messages.length >= count)
  await close(running)
  return running.messages.map(shown)
}

function shown({ key, value, partition, offset, timestamp, headers }) {
  const short = text => (text?.length > 100 ? text.length : (text ?? null))
  const time = Number(timestamp) < epochMs + 1e6 ? timestamp : 'now'
  return { partition, offset, key: short(key), value: short(value), time, headers: [...headers] }
}

const ends = async (topic, timestamp) => {
  const consumer = new Consumer({ ...base, groupId: newName() })
  const found = await outcome(() => consumer.listOffsets({ topics: [topic], timestamp }))
  await consumer.close(true)
  return found instanceof Map ? found.get(topic) : found
}

for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'])
  await runCase('codecs', compression, async () => {
    const topic = await newTopic()
    await send(numbered(topic, 20), { compression })
    return read(topic, 20)
  })

await runCase('records', 'null keys, null and empty values', async () => {
  const topic = await newTopic()
  await send([{ value: 'v' }, { key: 'k' }, { key: '', value: '' }].map(each => ({ topic, ...each })))
  return read(topic, 3)
})

await runCase('records', 'headers', async () => {
  const topic = await newTopic()
  await send([{ topic, value: 'v', headers: { a: 'x', grüße: 'y', empty: '' } }])
  return read(topic, 1)
})

await runCase('records', 'one of 900 KB', async () => {
  const topic = await newTopic()
  await send([{ topic, value: 'x'.repeat(900_000) }])
  return read(topic, 1)
})

await runCase('records', 'five thousand', async () => {
  const topic = await newTopic()
  await send(numbered(topic, 5000))
  return (await read(topic, 5000)).length
})

await runCase('produce', 'to several partitions by key', async () => {
  const topic = await newTopic(4)
  await send(Array.from({ length: 30 }, (_, n) => ({ topic, key: `key ${n}`, value: `${n}` })))
  // A partition of a new topic may refuse the first try; then this client sends all again.
  const found = (await read(topic, 30)).map(({ partition, value }) => `${value} in ${partition}`)
  return [...new Set(found)].sort()
})

for (const acks of [0, 1, -1])
  await runCase('produce', `acks ${acks}`, async () => {
    const topic = await newTopic()
    const sent = await send(numbered(topic, 2), { acks })
    return [sent ?? null, (await read(topic, 2)).length]
  })

await runCase('produce', 'idempotent', async () => {
  const topic = await newTopic()
  const idempotent = new Producer({ ...base, serializers: stringSerializers, idempotent: true })
  for (let n = 0; n < 5; n += 1) await idempotent.send({ messages: numbered(topic, 10, 10 * n) })
  await idempotent.close()
  return (await read(topic, 50)).length
})

await runCase('produce', 'too large for the topic', async () => {
  const topic = await newTopic(1, { 'max.message.bytes': '500' })
  return send([{ topic, value: 'x'.repeat(1000) }])
})

await runCase('produce', 'too old for the topic', async () =>
  send(numbered(await newTopic(1, { 'message.timestamp.before.max.ms': '1000' }), 1)),
)

await runCase('produce', 'to an unknown topic, and one of an invalid name', async () => [
  await outcome(() => send([{ topic: `${me}-unknown`, value: 'v' }])),
  await outcome(() => send([{ topic: 'a/b', value: 'v' }])),
])

await runCase('offsets', 'earliest, latest and by time', async () => {
  const topic = await newTopic()
  await send(numbered(topic, 10))
  const times = [-2n, -1n, BigInt(epochMs + 4), BigInt(epochMs + 100)]
  return Promise.all(times.map(at => ends(topic, at)))
})

await runCase('offsets', 'of an administrator: largest timestamp, of an empty topic', async () => {
  const [topic, empty] = [await newTopic(), await newTopic()]
  await send(numbered(topic, 10))
  const asked = [topic, empty].map(name => ({ name, partitions: [{ partitionIndex: 0, timestamp: -3n }] }))
  const found = await admin.listOffsets({ topics: asked })
  return asked.map(({ name }) => found.find(each => each.name === name)?.partitions)
})

await runCase('consume', 'from an offset', async () => {
  const topic = await newTopic()
  await send(numbered(topic, 10))
  const offsets = [{ topic, partition: 0, offset: 7n }]
  return read(topic, 3, { mode: 'manual', offsets })
})

await runCase('consume', 'from the end', async () => {
  const topic = await newTopic()
  await send(numbered(topic, 3))
  const running = await run(topic, { mode: 'latest' })
  await send(numbered(topic, 2, 3))
  await until('records', () => running.messages.length >= 2)
  await close(running)
  return running.messages.map(shown)
})

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
  // Kafka's coordinator of groups learns of a topic later than others do.
  await new Promise(resolve => setTimeout(resolve, 200))
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
    // Kafka's offsets appear once the markers of the transaction are written.
    await new Promise(resolve => setTimeout(resolve, 200))
    const [{ topics }] = await admin.listConsumerGroupOffsets({ groups: [groupId], requireStable: true })
    result.push(topics.flatMap(({ partitions }) => partitions))
  }
  await transactional.close()
  await close(running)
  return result
})

await runCase('topics', 'create, list, delete', async () => {
  const topic = newName()
  const [made] = await admin.createTopics({ topics: [topic], partitions: 3, replicas: 1 })
  const again = await outcome(() => admin.createTopics({ topics: [topic], partitions: 3, replicas: 1 }))
  const listed = (await admin.listTopics()).includes(topic)
  const deleted = await outcome(() => admin.deleteTopics({ topics: [topic] }))
  const unknown = await outcome(() => admin.deleteTopics({ topics: [topic] }))
  return [[made.partitions, made.replicas, made.configuration], again, listed, deleted, unknown]
})

const wrongTopics = {
  'of an invalid name': { topics: ['a/b'] },
  'without partitions': { topics: [newName()], partitions: 0 },
  'of three replicas': { topics: [newName()], replicas: 3 },
  'with a wrong config': { topics: [newName()], configs: [{ name: 'retention.ms', value: 'soon' }] },
}
for (const [name, options] of Object.entries(wrongTopics))
  await runCase('topics', `create one ${name}`, () =>
    admin.createTopics({ partitions: 1, replicas: 1, ...options }).then(([{ partitions }]) => partitions),
  )

await runCase('topics', 'create one by assignment', () => {
  const assignments = [{ partition: 0, brokers: [0] }]
  return admin
    .createTopics({ topics: [newName()], partitions: -1, replicas: -1, assignments })
    .then(([{ partitions }]) => partitions)
})

await runCase('topics', 'more partitions', async () => {
  const topic = await newTopic()
  const grow = count =>
    outcome(() => admin.createPartitions({ topics: [{ name: topic, count, assignments: null }] }))
  return [await grow(3), await grow(2)]
})

await runCase('topics', 'delete records', async () => {
  const topic = await newTopic()
  await send(numbered(topic, 10))
  const remove = offset =>
    outcome(async () => {
      const [{ partitions }] = await admin.deleteRecords({
        topics: [{ name: topic, partitions: [{ partition: 0, offset }] }],
      })
      return partitions
    })
  return [await remove(4n), await remove(99n), await remove(-1n)]
})

await runCase('configs', 'describe and alter', async () => {
  const topic = await newTopic(1, { 'retention.ms': '5000' })
  const resource = { resourceType: 2, resourceName: topic }
  const seen = async () => {
    // Kafka's brokers learn of a change later than its controller answers.
    await new Promise(resolve => setTimeout(resolve, 150))
    const configurationKeys = ['retention.ms', 'cleanup.policy']
    const [{ configs }] = await admin.describeConfigs({
      resources: [{ ...resource, configurationKeys }],
      includeSynonyms: true,
    })
    return configs
  }
  const alter = (name, value, configOperation) =>
    outcome(() =>
      admin.incrementalAlterConfigs({
        resources: [{ ...resource, configs: [{ name, value, configOperation }] }],
      }),
    )
  return [
    await seen(),
    await alter('cleanup.policy', 'compact', 2),
    await alter('retention.ms', 'soon', 0),
    await seen(),
  ]
})

await runCase('metadata', 'the cluster', async () => {
  const topic = await newTopic(2)
  const { brokers, controllerId, topics } = await admin.metadata({ topics: [topic] })
  const found = topics.get(topic)
  return [[...brokers.keys()], controllerId, { ...found, id: undefined, lastUpdate: undefined }]
})

await runCase('metadata', 'log directories', async () => {
  const topic = await newTopic(2)
  await send(numbered(topic, 1))
  const found = await admin.describeLogDirs({ topics: [{ name: topic, partitions: [0, 1] }] })
  return found.map(({ broker, results }) => [
    broker,
    results.flatMap(({ topics }) =>
      topics.flatMap(({ name, partitions }) => [
        name === topic,
        partitions.map(each => each.partitionIndex).sort(),
      ]),
    ),
  ])
})

await producer.close(true)
await admin.close()
process.exit(0)
