/**
 * Requests about topics, records and configs answer as Apache Kafka's do: each scenario runs against both.
 * Codes are compared, not sentences. What differs on purpose is in the head comments of the handlers, and is
 * not asked here.
 */
import { after, before, describe, it } from 'node:test'
import { everyVersion, type RawClient } from '../../src/broker/server/raw-client.test-support.ts'
import { batchOf } from '../../src/broker/server/server.test-support.ts'
import { messages, zeroUuid, type RequestInput } from '../../src/wire/index.ts'
import { type Side, TwoBrokers } from './two-brokers.ts'

const { alterConfigs, createPartitions, createTopics, deleteRecords, deleteTopics, describeConfigs } =
  messages
const { describeLogDirs, describeTopicPartitions, electLeaders, incrementalAlterConfigs } = messages
const { alterPartitionReassignments, listOffsets, metadata, offsetForLeaderEpoch, produce } = messages

type NewTopic = RequestInput<typeof createTopics>['topics'][number]
const unknownId = 'AAAAAAAAAAAAAAAAAAAAAg'
const topicType = 2
const brokerType = 4
const timeoutMs = 60_000

function newTopic(name: string, over: Partial<NewTopic> = {}): NewTopic {
  return { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...over }
}

/** Makes topics, and waits until they can be used. */
async function make(side: Side, client: RawClient, ...topics: NewTopic[]): Promise<void> {
  await client.ask(createTopics, 7, { topics, timeoutMs })
  await side.settle()
}

async function nodeIdOf(client: RawClient): Promise<number> {
  return (await client.ask(metadata, 12, { topics: [] })).brokers[0]!.nodeId
}

async function write(client: RawClient, topic: string): Promise<void> {
  const partitionData = [{ index: 0, records: batchOf(['a', 'b']) }]
  await client.ask(produce, 9, { acks: -1, timeoutMs, topicData: [{ name: topic, partitionData }] })
}

describe('the administration of millrace and of Apache Kafka', () => {
  let brokers: TwoBrokers
  before(async () => {
    brokers = await TwoBrokers.start({ 'log.retention.ms': '-1' })
  })
  after(() => brokers.stop())

  const compare = (
    scenario: (side: Side, client: RawClient, nodeId: number) => Promise<void>,
  ): Promise<void> =>
    brokers.compare(async side => {
      const client = await side.connect()
      await scenario(side, client, await nodeIdOf(client))
    })

  it('creates topics alike', () =>
    compare(async (side, client, nodeId) => {
      const create = async (what: string, version: number, topics: NewTopic[], validateOnly = false) => {
        const answer = await client.ask(createTopics, version, { topics, timeoutMs, validateOnly })
        const told = answer.topics.map(each => {
          const ofTopic = each.configs?.filter(({ configSource }) => configSource === 1) ?? []
          const configs = ofTopic.map(({ name, value }) => `${name}=${value}`)
          return [each.name, each.errorCode, each.numPartitions, each.replicationFactor, configs]
        })
        side.note(`create ${what}, v${version}`, told)
      }
      for (const version of everyVersion(createTopics))
        await create('a topic', version, [newTopic(`c${version}`, { numPartitions: 2 })])
      const manual = { numPartitions: -1, replicationFactor: -1 }
      const assigned = (...pairs: [number, number[]][]): Partial<NewTopic> => ({
        ...manual,
        assignments: pairs.map(([partitionIndex, brokerIds]) => ({ partitionIndex, brokerIds })),
      })
      const config = (name: string, value: string | null): Partial<NewTopic> => ({
        configs: [{ name, value }],
      })
      await create(
        'names',
        7,
        ['', '.', '..', 'a b', 'x'.repeat(250)].map(name => newTopic(name)),
      )
      await create('the metadata of a cluster', 7, [newTopic('__cluster_metadata'), newTopic('beside')])
      const many = { numPartitions: 10_000 }
      await create('too many', 7, [
        newTopic('w0', many),
        newTopic('w1'),
        newTopic('w2', { numPartitions: -2 }),
      ])
      // Apache Kafka counts the record of the topic in its metadata log as well.
      await create(
        'many',
        7,
        [newTopic('w0', { numPartitions: 9990 }), newTopic('w2', { numPartitions: -2 })],
        true,
      )
      await create('flush', 7, [
        newTopic('u', {
          configs: [
            { name: 'flush.messages', value: '1' },
            { name: 'flush.ms', value: '100' },
          ],
        }),
      ])
      await create('again', 7, [newTopic('c7'), newTopic('d'), newTopic('d'), newTopic('e')])
      await create(
        'only to see',
        7,
        [newTopic('v', config('cleanup.policy', 'compact')), newTopic('c7')],
        true,
      )
      await create('odd ones', 7, [
        newTopic('n0', { numPartitions: 0 }),
        newTopic('n1', manual),
        newTopic('n2', { numPartitions: -2 }),
        newTopic('n3', { replicationFactor: 0 }),
        newTopic('n4', { replicationFactor: 2 }),
        newTopic('m0', assigned([1, [nodeId]], [0, [nodeId]])),
        newTopic('m1', { ...assigned([0, [nodeId]]), numPartitions: 1 }),
        newTopic('m2', assigned([0, [77]])),
        newTopic('m3', assigned([0, []])),
        newTopic('m4', assigned([0, [nodeId, nodeId]])),
        newTopic('m5', assigned([0, [nodeId]], [2, [nodeId]])),
        newTopic('m6', assigned([0, [nodeId]], [0, [nodeId]])),
        newTopic('f0', config('cleanup.policy', 'compact')),
        newTopic('f1', config('nope', '1')),
        newTopic('f2', config('retention.ms', 'x')),
        newTopic('f3', config('retention.ms', null)),
      ])
    }))

  it('deletes topics alike', () =>
    compare(async (side, client) => {
      const names = Array.from({ length: 9 }, (_, n) => `x${n}`)
      await make(side, client, ...names.map(name => newTopic(name)))
      const known = await client.ask(metadata, 12, { topics: names.map(name => ({ name })) })
      const idOf = (name: string): string => known.topics.find(each => each.name === name)!.topicId
      const drop = async (what: string, version: number, request: RequestInput<typeof deleteTopics>) => {
        const { responses } = await client.ask(deleteTopics, version, request)
        const told = responses.map(each => [each.name, each.errorCode])
        side.note(`delete ${what}, v${version}`, told)
      }
      for (const version of [1, 2, 3, 4, 5])
        await drop('by name', version, { topicNames: [`x${version}`, 'missing', ''], timeoutMs })
      await drop('twice', 5, { topicNames: ['x6', 'x6'], timeoutMs })
      const byId = { topicId: idOf('x7'), name: null }
      const byName = (name: string) => ({ name, topicId: zeroUuid })
      await drop('by id and name', 6, { topics: [{ name: 'x6', topicId: idOf('x6') }], timeoutMs })
      await drop('by nothing', 6, { topics: [{ topicId: zeroUuid }], timeoutMs })
      await drop('an unknown id', 6, { topics: [{ topicId: unknownId }], timeoutMs })
      await drop('ids twice', 6, { topics: [byId, byId], timeoutMs })
      await drop('by id', 6, { topics: [byId, byName('x6')], timeoutMs })
    }))

  it('extends topics alike', () =>
    compare(async (side, client, nodeId) => {
      await make(side, client, newTopic('j1'), newTopic('j2'), newTopic('j3'))
      const grow = async (
        what: string,
        version: number,
        topics: [string, number, number[][]?][],
        validateOnly = false,
      ) => {
        const request = topics.map(([name, count, ids]) => {
          const assignments = ids?.map(brokerIds => ({ brokerIds })) ?? null
          return { name, count, assignments }
        })
        const { results } = await client.ask(createPartitions, version, {
          topics: request,
          timeoutMs,
          validateOnly,
        })
        const told = results.map(each => [each.name, each.errorCode])
        side.note(`extend ${what}, v${version}`, told)
      }
      for (const version of everyVersion(createPartitions))
        await grow('a topic', version, [['j1', 2 + version]])
      const odd: [string, number, number[][]?][] = [
        ['j2', 1],
        ['j2', 0],
        ['j2', -1],
        ['missing', 3],
        ['', 3],
        ['j2', 3, [[nodeId]]],
        ['j2', 3, []],
        ['j2', 3, [[nodeId], [77]]],
        ['j2', 3, [[nodeId], []]],
        ['j2', 2, [[nodeId, nodeId]]],
        ['j2', 3, [[nodeId], [nodeId]]],
      ]
      for (const each of odd) await grow(JSON.stringify(each.slice(0, 2)), 3, [each], true)
      await grow('topics that are named twice', 3, [
        ['j3', 3],
        ['j3', 4],
        ['j2', 2],
      ])
      await side.settle()
      const { topics } = await client.ask(metadata, 12, {
        topics: [{ name: 'j1' }, { name: 'j2' }, { name: 'j3' }],
      })
      side.note(
        'partitions',
        topics.map(({ name, partitions }) => [name, partitions.length]),
      )
    }))

  it('deletes records, and finds offsets and epochs alike', () =>
    compare(async (side, client) => {
      const compacted = { configs: [{ name: 'cleanup.policy', value: 'compact' }] }
      await make(side, client, newTopic('r1', { numPartitions: 2 }), newTopic('r2', compacted))
      for (let n = 0; n < 3; n += 1) await write(client, 'r1')
      const drop = async (version: number, ...offsets: [string, number, number][]) => {
        const topics = offsets.map(([name, partitionIndex, offset]) => ({
          name,
          partitions: [{ partitionIndex, offset }],
        }))
        const what = `delete records ${JSON.stringify(offsets)}`
        await side.ask(client, what, deleteRecords, version, { topics, timeoutMs })
      }
      const find = (what: string, version: number, partition: number, timestamp: number, epoch?: number) =>
        side.ask(client, `${what} ${timestamp}`, listOffsets, version, {
          replicaId: -1,
          topics: [
            {
              name: 'r1',
              partitions: [
                {
                  partitionIndex: partition,
                  timestamp,
                  ...(epoch === undefined ? {} : { currentLeaderEpoch: epoch }),
                },
              ],
            },
          ],
        })
      for (const version of everyVersion(listOffsets))
        for (const timestamp of [-1, -2, -3, -4, -5, -6, -7, 0, 1_700_000_000_000, 1_800_000_000_000])
          await find('an offset', version, 0, timestamp)
      await find('an offset of no partition', 7, 9, -1)
      for (const epoch of [0, 5, -2]) await find(`in epoch ${epoch}`, 7, 0, -1, epoch)
      for (const version of everyVersion(deleteRecords)) await drop(version, ['r1', 0, 1 + version])
      await drop(2, ['r1', 0, 1], ['r1', 1, -1], ['r1', 2, 0], ['missing', 0, 0], ['r2', 0, 0], ['', 0, 0])
      await drop(2, ['r1', 0, 7])
      await drop(2, ['r1', 0, -2])
      await drop(2, ['r1', 0, 4], ['r1', 0, 5])
      for (const timestamp of [-1, -2, -4, 0]) await find('what is left:', 8, 0, timestamp)
      for (const version of everyVersion(offsetForLeaderEpoch))
        for (const [currentLeaderEpoch, leaderEpoch] of [
          [-1, 0],
          [0, 0],
          [0, 3],
          [0, -1],
          [5, 0],
          [-2, 0],
        ] as const)
          await side.ask(
            client,
            `epoch ${currentLeaderEpoch}, ${leaderEpoch}`,
            offsetForLeaderEpoch,
            version,
            {
              topics: ['r1', 'missing'].map(topic => ({
                topic,
                partitions: [{ partition: 0, currentLeaderEpoch, leaderEpoch }],
              })),
            },
          )
    }))

  it('describes and alters the configs of topics alike', () =>
    compare(async (side, client) => {
      const kept = { configs: [{ name: 'retention.ms', value: '7000' }] }
      await make(side, client, newTopic('h1', kept), newTopic('h2', kept))
      const own = async (what: string): Promise<void> => {
        await side.settle()
        const resources = ['h1', 'h2'].map(name => ({
          resourceType: topicType,
          resourceName: name,
          configurationKeys: null,
        }))
        const { results } = await client.ask(describeConfigs, 4, { resources, includeSynonyms: true })
        const told = results.map(({ resourceName, configs }) => [
          resourceName,
          configs
            .filter(({ configSource }) => configSource === 1)
            .map(each => [each.name, each.value, each.configType, each.readOnly, each.synonyms[0]]),
        ])
        side.note(what, told)
      }
      const names = ['retention.ms', 'segment.bytes', 'cleanup.policy', 'nope']
      for (const version of everyVersion(describeConfigs)) {
        const resources = [{ resourceType: topicType, resourceName: 'h1', configurationKeys: names }]
        const { results } = await client.ask(describeConfigs, version, { resources })
        const told = results.map(({ configs }) =>
          configs.map(each => [each.name, each.value, each.configSource]),
        )
        side.note(`configs, v${version}`, told)
      }
      for (const [type, name] of [
        [topicType, 'missing'],
        [topicType, ''],
        [topicType, 'a b'],
        [brokerType, '77'],
        [brokerType, 'x'],
        [8, ''],
        [16, ''],
        [32, ''],
        [0, 'x'],
        [3, 'x'],
      ] as const) {
        const resources = [{ resourceType: type, resourceName: name, configurationKeys: null }]
        const { results } = await client.ask(describeConfigs, 4, { resources })
        side.note(`configs of ${type} ${name}`, results[0]!.errorCode)
      }
      const replace = async (version: number, name: string, configs: Record<string, string | null>) => {
        const given = Object.entries(configs).map(([each, value]) => ({ name: each, value }))
        const resources = [{ resourceType: topicType, resourceName: name, configs: given }]
        const { responses } = await client.ask(alterConfigs, version, { resources, validateOnly: false })
        side.note(`replace ${name} ${JSON.stringify(configs)}, v${version}`, responses[0]!.errorCode)
      }
      for (const version of everyVersion(alterConfigs)) {
        await replace(version, 'h1', { 'segment.ms': `${1000 + version}` })
        await own(`replaced, v${version}`)
      }
      await replace(2, 'h1', { 'segment.ms': 'x' })
      await replace(2, 'h1', { 'segment.ms': null })
      await replace(2, 'h1', { nope: '1' })
      await replace(2, 'missing', { 'segment.ms': '1000' })
      await replace(2, 'a b', { 'segment.ms': '1000' })
      await replace(2, 'h1', {})
      await own('all replaced')
      const alter = async (
        version: number,
        name: string,
        ...changes: [string, number, (string | null)?][]
      ) => {
        const configs = changes.map(([each, configOperation, value = null]) => ({
          name: each,
          configOperation,
          value,
        }))
        const resources = [{ resourceType: topicType, resourceName: name, configs }]
        const { responses } = await client.ask(incrementalAlterConfigs, version, {
          resources,
          validateOnly: false,
        })
        side.note(`alter ${name} ${JSON.stringify(changes)}, v${version}`, responses[0]!.errorCode)
      }
      for (const version of everyVersion(incrementalAlterConfigs)) {
        await alter(version, 'h2', ['segment.ms', 0, '2000'], ['cleanup.policy', 2, 'compact'])
        await own(`set and appended, v${version}`)
        await alter(version, 'h2', ['segment.ms', 1], ['cleanup.policy', 3, 'delete'])
        await own(`deleted and subtracted, v${version}`)
      }
      await alter(1, 'h2', ['segment.ms', 2, '1'])
      await alter(1, 'h2', ['segment.ms', 0])
      await alter(1, 'h2', ['cleanup.policy', 2, 'nope'])
      await alter(1, 'h2', ['cleanup.policy', 3, 'nope'])
      await alter(1, 'h2', ['nope', 0, '1'])
      await alter(1, 'h2', ['nope', 1])
      await alter(1, 'h2', ['segment.ms', 0, '1'], ['segment.ms', 1])
      await alter(1, 'missing', ['segment.ms', 0, '1000'])
      await own('altered')
    }))

  it('describes topics alike', () =>
    compare(async (side, client) => {
      await make(
        side,
        client,
        newTopic('l1', { numPartitions: 3 }),
        newTopic('l2', { numPartitions: 2 }),
        newTopic('l3'),
      )
      type Asked = Partial<RequestInput<typeof describeTopicPartitions>>
      const look = async (names: string[], over: Asked = {}): Promise<void> => {
        const request = { topics: names.map(name => ({ name })), ...over }
        const { topics, nextCursor } = await client.ask(describeTopicPartitions, 0, request)
        const told = topics.map(each => [
          each.name,
          each.errorCode,
          each.isInternal,
          each.topicAuthorizedOperations,
          each.partitions.map(({ partitionIndex }) => partitionIndex).join(),
        ])
        side.note(`portion ${JSON.stringify(request)}`, [told, nextCursor])
      }
      await look(['l2', 'l1', 'missing'])
      for (const responsePartitionLimit of [2, 3, 5, 0, -1])
        await look(['l1', 'l2', 'l3'], { responsePartitionLimit })
      for (const [topicName, partitionIndex] of [
        ['l1', 2],
        ['l1', 3],
        ['l2', 1],
        ['l4', 0],
        ['l1', -1],
      ] as const)
        await look(['l1', 'l2'], { responsePartitionLimit: 2, cursor: { topicName, partitionIndex } })
      const codes = async (what: string, version: number, request: RequestInput<typeof metadata>) => {
        const answer = await client.ask(metadata, version, request)
        const told = answer.topics.map(each => [each.name, each.errorCode, each.partitions.length])
        side.note(`metadata of ${what}, v${version}`, told)
      }
      for (const version of everyVersion(metadata)) {
        await codes('a topic', version, { topics: [{ name: 'l1' }] })
        if (version < 4) continue
        const names = ['', 'a b', '.', 'nowhere'].map(name => ({ name }))
        await codes('odd names', version, { topics: names, allowAutoTopicCreation: false })
      }
      for (const version of [10, 11, 12, 13])
        await codes('an unknown id', version, { topics: [{ name: null, topicId: unknownId }] })
    }))

  it('knows sizes, leaders and replicas alike', () =>
    compare(async (side, client, nodeId) => {
      await make(side, client, newTopic('i1', { numPartitions: 2 }))
      await write(client, 'i1')
      for (const version of everyVersion(describeLogDirs)) {
        const topics = [
          { topic: 'i1', partitions: [0, 1, 7] },
          { topic: 'missing', partitions: [0] },
        ]
        const { results } = await client.ask(describeLogDirs, version, { topics })
        side.note(
          `sizes, v${version}`,
          results.map(each => each.topics),
        )
      }
      for (const version of everyVersion(electLeaders)) {
        const topicPartitions = [
          { topic: 'i1', partitions: [0, 5, -1] },
          { topic: 'missing', partitions: [0] },
        ]
        const answer = await client.ask(electLeaders, version, { topicPartitions, timeoutMs })
        const told = answer.replicaElectionResults.map(({ topic, partitionResult }) => [
          topic,
          partitionResult.map(each => [each.partitionId, each.errorCode]),
        ])
        side.note(`leaders, v${version}`, told)
      }
      for (const version of everyVersion(alterPartitionReassignments))
        for (const [what, replicas] of Object.entries({
          here: [nodeId],
          cancelled: null,
          nowhere: [],
          elsewhere: [77],
          twice: [nodeId, nodeId],
        })) {
          const partitions = [0, 9].map(partitionIndex => ({ partitionIndex, replicas }))
          const topics = [
            { name: 'i1', partitions },
            { name: 'missing', partitions },
          ]
          const { responses } = await client.ask(alterPartitionReassignments, version, { topics, timeoutMs })
          const told = responses.map(each => [each.name, each.partitions.map(({ errorCode }) => errorCode)])
          side.note(`moved ${what}, v${version}`, told)
        }
    }))
})
