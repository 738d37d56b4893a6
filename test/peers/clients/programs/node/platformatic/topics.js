/** Topics, configs, the cluster. */
import { newName, outcome, runCase } from '../cases.js'
import { admin, newTopic, numbered, send, settle } from './client.js'

await runCase('topics', 'create, list, delete', async () => {
  const topic = newName()
  const [made] = await admin.createTopics({ topics: [topic], partitions: 3, replicas: 1 })
  const again = await outcome(() => admin.createTopics({ topics: [topic], partitions: 3, replicas: 1 }))
  await settle()
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
    await settle()
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
