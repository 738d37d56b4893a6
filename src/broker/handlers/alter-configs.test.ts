/** AlterConfigs (33) and IncrementalAlterConfigs (44). */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Log } from '../../port/index.ts'
import { messages } from '../../wire/index.ts'
import { everyVersion } from '../server/raw-client.test-support.ts'
import { startTestServer } from '../server/server.test-support.ts'
import { errorCodes } from './error-codes.ts'

const { alterConfigs, incrementalAlterConfigs } = messages
const { NONE, INVALID_CONFIG, INVALID_REQUEST } = errorCodes
const { INVALID_TOPIC_EXCEPTION, UNKNOWN_TOPIC_OR_PARTITION } = errorCodes
const topicType = 2
const brokerType = 4
const operations = { set: 0, delete: 1, append: 2, subtract: 3 }

function replacement(resourceType: number, resourceName: string, configs: Record<string, string | null>) {
  return {
    resourceType,
    resourceName,
    configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
  }
}

type Change = readonly [string, number, (string | null)?]

function increment(resourceType: number, resourceName: string, ...changes: readonly Change[]) {
  const configs = changes.map(([name, configOperation, value = null]) => ({ name, configOperation, value }))
  return { resourceType, resourceName, configs }
}

async function own(log: Log, name: string): Promise<Record<string, string | null>> {
  const described = await log.admin.describeConfigs({ type: 'topic', name })
  return Object.fromEntries(
    described.filter(each => each.source === 'topic').map(each => [each.name, each.value]),
  )
}

test('AlterConfigs: replaces the configs of a topic, in every version', async context => {
  const { connect, log } = await startTestServer(context)
  const client = await connect()
  for (const version of everyVersion(alterConfigs)) {
    const name = `v${version}`
    await log.createTopic(name, { configs: { 'retention.ms': 7 } })
    const resources = [replacement(topicType, name, { 'segment.ms': '5' })]
    await client.ask(alterConfigs, version, { resources, validateOnly: true })
    deepEqual(await own(log, name), { 'retention.ms': '7' })
    const { responses } = await client.ask(alterConfigs, version, { resources, validateOnly: false })
    deepEqual(responses[0], { errorCode: NONE, errorMessage: null, resourceType: 2, resourceName: name })
    deepEqual(await own(log, name), { 'segment.ms': '5' })
  }
})

test('AlterConfigs: replaces the altered configs of the broker', async context => {
  const { connect, log } = await startTestServer(context)
  const client = await connect()
  const broker = async (): Promise<unknown[]> =>
    (await log.admin.describeConfigs({ type: 'broker' }))
      .filter(({ source, value }) => source === 'broker' && value !== null)
      .map(({ name, value }) => `${name}=${value}`)
  await log.admin.alterConfigs({ type: 'broker' }, [{ name: 'log.segment.bytes', op: 'set', value: 1000 }])
  for (const name of ['0', '']) {
    const resources = [replacement(brokerType, name, { 'log.retention.ms': '9' })]
    await client.ask(alterConfigs, 2, { resources, validateOnly: false })
    deepEqual(await broker(), ['log.retention.ms=9'])
  }
  await client.ask(alterConfigs, 2, { resources: [replacement(brokerType, '0', {})], validateOnly: false })
  deepEqual(await broker(), [])
})

test('AlterConfigs: the topic of an app keeps what its results depend on', async context => {
  const { connect, port } = await startTestServer(context)
  await port.createTopic('app-count-changelog', { partitions: 1, app: 'app' })
  const client = await connect()
  const resources = [replacement(topicType, 'app-count-changelog', { 'segment.ms': '5' })]
  const { responses } = await client.ask(alterConfigs, 2, { resources, validateOnly: false })
  equal(responses[0]!.errorCode, INVALID_CONFIG)
})

test('IncrementalAlterConfigs: sets, deletes, appends and subtracts, in every version', async context => {
  const { connect, log } = await startTestServer(context)
  const client = await connect()
  for (const version of everyVersion(incrementalAlterConfigs)) {
    const name = `v${version}`
    await log.createTopic(name, { configs: { 'retention.ms': 7 } })
    const alter = async (...changes: readonly Change[]): Promise<void> => {
      const request = { resources: [increment(topicType, name, ...changes)], validateOnly: false }
      equal((await client.ask(incrementalAlterConfigs, version, request)).responses[0]!.errorCode, NONE)
    }
    await alter(['segment.ms', operations.set, '5'], ['cleanup.policy', operations.append, 'compact'])
    deepEqual(await own(log, name), {
      'retention.ms': '7',
      'segment.ms': '5',
      'cleanup.policy': 'delete,compact',
    })
    await alter(['segment.ms', operations.delete], ['cleanup.policy', operations.subtract, 'delete'])
    deepEqual(await own(log, name), { 'retention.ms': '7', 'cleanup.policy': 'compact' })
  }
})

test('both refuse by resource, and change the others', async context => {
  const { connect, log, errors } = await startTestServer(context)
  await log.createTopic('orders')
  await log.createTopic('others')
  const client = await connect()
  const valid = { 'segment.ms': '5' }
  const replaced: [ReturnType<typeof replacement>, number][] = [
    [replacement(topicType, 'orders', { nope: '1' }), INVALID_CONFIG],
    [replacement(topicType, 'missing', valid), UNKNOWN_TOPIC_OR_PARTITION],
    [replacement(topicType, 'a b', valid), INVALID_TOPIC_EXCEPTION],
    [replacement(topicType, '__consumer_offsets', valid), INVALID_REQUEST],
    [replacement(brokerType, '7', {}), INVALID_REQUEST],
    [replacement(brokerType, '0', { 'num.partitions': '3' }), INVALID_REQUEST],
    [replacement(32, 'group', { 'consumer.session.timeout.ms': '50000' }), INVALID_CONFIG],
    [replacement(32, 'other', {}), NONE],
    [replacement(3, 'x', {}), INVALID_REQUEST],
    [replacement(topicType, 'others', { 'segment.ms': null }), INVALID_REQUEST],
  ]
  const replacing = { resources: replaced.map(([each]) => each), validateOnly: false }
  deepEqual(
    (await client.ask(alterConfigs, 2, replacing)).responses.map(each => each.errorCode),
    replaced.map(([, code]) => code),
  )
  const changed: [Change[], number][] = [
    [[['segment.ms', operations.append, '1']], INVALID_CONFIG],
    [[['segment.ms', 9, '1']], INVALID_REQUEST],
    [[['segment.ms', -1, '1']], INVALID_REQUEST],
    [[['segment.ms', operations.set]], INVALID_REQUEST],
    [[['cleanup.policy', operations.append]], INVALID_REQUEST],
    [[['cleanup.policy', operations.append, 'nope']], INVALID_CONFIG],
    [[['cleanup.policy', operations.subtract, 'nope']], NONE],
    [[['nope', operations.set, '1']], INVALID_CONFIG],
    [[['nope', operations.append, '1']], INVALID_CONFIG],
    [[['nope', operations.delete]], NONE],
    [
      [
        ['segment.ms', operations.set, '1'],
        ['segment.ms', operations.delete],
      ],
      INVALID_REQUEST,
    ],
  ]
  for (const [changes, code] of changed) {
    const resources = [increment(topicType, 'orders', ...changes)]
    const { responses } = await client.ask(incrementalAlterConfigs, 1, { resources, validateOnly: true })
    equal(responses[0]!.errorCode, code)
  }
  // Kafka's tool for reassignments deletes the throttles that it may have set.
  const throttle = increment(brokerType, '0', ['leader.replication.throttled.rate', operations.delete])
  const staticOne = increment(brokerType, '0', ['num.partitions', operations.delete])
  const ofBroker = { resources: [throttle], validateOnly: false }
  equal((await client.ask(incrementalAlterConfigs, 1, ofBroker)).responses[0]!.errorCode, NONE)
  const ofStatic = { resources: [staticOne], validateOnly: false }
  equal((await client.ask(incrementalAlterConfigs, 1, ofStatic)).responses[0]!.errorCode, INVALID_REQUEST)
  const twice = increment(topicType, 'orders', ['segment.ms', operations.set, '5'])
  const other = increment(topicType, 'others', ['segment.ms', operations.set, '6'])
  const request = { resources: [twice, twice, other], validateOnly: false }
  deepEqual(
    (await client.ask(incrementalAlterConfigs, 1, request)).responses.map(each => each.errorCode),
    [INVALID_REQUEST, INVALID_REQUEST, NONE],
  )
  deepEqual([await own(log, 'orders'), await own(log, 'others')], [{}, { 'segment.ms': '6' }])
  deepEqual(errors, [])
})
