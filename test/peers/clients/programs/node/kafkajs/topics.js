/** Topics, configs, the cluster. */
import kafkajs from 'kafkajs'
import { newName, outcome, runCase } from '../cases.js'
import { admin, newTopic, numbered, send, settle } from './client.js'

const { ConfigResourceTypes } = kafkajs

await runCase('topics', 'create, describe, delete', async () => {
  const topic = newName()
  const made = await admin.createTopics({ topics: [{ topic, numPartitions: 3 }], waitForLeaders: false })
  await settle()
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
  await settle()
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
    await settle()
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
