import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { messages, type RequestInput } from '../../wire/index.ts'
import { everyVersion } from '../server/raw-client.test-support.ts'
import { startTestServer } from '../server/server.test-support.ts'
import { errorCodes } from './error-codes.ts'

const { describeConfigs } = messages
type Resource = RequestInput<typeof describeConfigs>['resources'][number]
const topicType = 2
const brokerType = 4

function resource(resourceType: number, resourceName: string, ...keys: string[]): Resource {
  return { resourceType, resourceName, configurationKeys: keys.length === 0 ? null : keys }
}

test('DescribeConfigs: a topic, in every version', async context => {
  const { connect, log } = await startTestServer(context, { log: { configs: { 'log.retention.ms': 5 } } })
  await log.createTopic('orders', { configs: { 'retention.ms': 7 } })
  const client = await connect()
  for (const version of everyVersion(describeConfigs)) {
    const resources = [resource(topicType, 'orders', 'retention.ms', 'nope')]
    const { results } = await client.ask(describeConfigs, version, { resources, includeSynonyms: true })
    const [config, ...others] = results[0]!.configs
    deepEqual([results[0]!.errorCode, others.length], [errorCodes.NONE, 0])
    deepEqual(
      [config!.name, config!.value, config!.configSource, config!.readOnly],
      ['retention.ms', '7', 1, false],
    )
    deepEqual(
      config!.synonyms.map(({ name, value, source }) => [name, value, source]),
      [
        ['retention.ms', '7', 1],
        ['log.retention.ms', '5', 4],
        ['log.retention.hours', '168', 5],
      ],
    )
    equal(config!.configType, version >= 3 ? 5 : 0)
  }
  const resources = [resource(topicType, 'orders', 'retention.ms')]
  const plain = await client.ask(describeConfigs, 4, { resources })
  deepEqual([plain.results[0]!.configs[0]!.synonyms, plain.results[0]!.configs[0]!.documentation], [[], null])
  const documented = await client.ask(describeConfigs, 4, { resources, includeDocumentation: true })
  ok(documented.results[0]!.configs[0]!.documentation!.length > 0)
})

test('DescribeConfigs: no keys ask for all, null or empty', async context => {
  const { connect, log } = await startTestServer(context)
  await log.createTopic('orders')
  const client = await connect()
  for (const configurationKeys of [null, []]) {
    const resources = [{ resourceType: topicType, resourceName: 'orders', configurationKeys }]
    const { results } = await client.ask(describeConfigs, 4, { resources })
    equal(
      results[0]!.configs.length,
      (await log.admin.describeConfigs({ type: 'topic', name: 'orders' })).length,
    )
  }
})

test('DescribeConfigs: the broker, and what was altered for all brokers', async context => {
  const { connect, log } = await startTestServer(context, { nodeId: 3 })
  const client = await connect()
  const describe = async (...resources: Resource[]): Promise<unknown[]> => {
    const { results } = await client.ask(describeConfigs, 4, { resources })
    return results.map(({ configs }) =>
      configs.map(each => [each.name, each.value, each.configSource, each.readOnly]),
    )
  }
  const names = ['log.retention.ms', 'num.partitions', 'log.segment.bytes']
  await log.admin.alterConfigs({ type: 'broker' }, [{ name: 'log.retention.ms', op: 'set', value: 9 }])
  deepEqual(await describe(resource(brokerType, '3', ...names), resource(brokerType, '', ...names)), [
    [
      ['log.retention.ms', '9', 2, false],
      ['log.segment.bytes', '1073741824', 5, false],
      ['num.partitions', '1', 5, true],
    ],
    [['log.retention.ms', '9', 3, false]],
  ])
})

test('DescribeConfigs: refuses by resource', async context => {
  const { connect } = await startTestServer(context)
  const client = await connect()
  const { NONE, INVALID_REQUEST, INVALID_TOPIC_EXCEPTION, UNKNOWN_TOPIC_OR_PARTITION } = errorCodes
  const cases: [number, string, number][] = [
    [topicType, 'missing', UNKNOWN_TOPIC_OR_PARTITION],
    [topicType, '', INVALID_TOPIC_EXCEPTION],
    [topicType, 'a b', INVALID_TOPIC_EXCEPTION],
    [brokerType, '7', INVALID_REQUEST],
    [brokerType, 'x', INVALID_REQUEST],
    [brokerType, ' 0', INVALID_REQUEST],
    [8, '0', NONE],
    [8, '', INVALID_REQUEST],
    [16, 'metrics', NONE],
    [16, '', INVALID_REQUEST],
    [32, 'group', NONE],
    [32, '', INVALID_REQUEST],
    [0, 'x', INVALID_REQUEST],
    [3, 'x', INVALID_REQUEST],
    [-1, 'x', INVALID_REQUEST],
  ]
  const resources = cases.map(([type, name]) => resource(type, name))
  const { results } = await client.ask(describeConfigs, 4, { resources })
  deepEqual(
    results.map(each => [each.resourceType, each.resourceName, each.errorCode, each.configs.length]),
    cases.map(each => [...each, 0]),
  )
})

test('DescribeConfigs: a resource that is named very often is answered once', async context => {
  const { connect } = await startTestServer(context)
  const client = await connect()
  const asked = { resourceType: 4, resourceName: '0', configurationKeys: null }
  const all = Array.from({ length: 5000 }, () => asked)
  const last = { ...asked, configurationKeys: ['num.partitions'] }
  const { results } = await client.ask(describeConfigs, 4, { resources: [...all, last] })
  equal(results.length, 1)
  deepEqual(
    results[0]!.configs.map(({ name }) => name),
    ['num.partitions'],
  )
})
