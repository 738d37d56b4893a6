/** What administration refuses, and whose topics it changes. */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { append, refuses } from '../port/conformance/harness.ts'
import { openTestLog } from './simulated-log.test-support.ts'

test('internal topics of the log are not changed; those of an app only by the app', async t => {
  const { port } = await openTestLog(t)
  const { admin } = port
  const internal = '__consumer_offsets'
  const change = [{ name: 'retention.ms', op: 'set', value: 1 }] as const
  await refuses('INVALID_ARGUMENT', admin.alterConfigs({ type: 'topic', name: internal }, change))
  await refuses('INVALID_ARGUMENT', admin.deleteRecords(internal, 0, -1))
  await port.createTopic('app-changelog', { partitions: 1, app: 'app' })
  await refuses('INVALID_ARGUMENT', admin.deleteRecords('app-changelog', 0, -1))
  equal(await admin.deleteRecords('app-changelog', 0, -1, { app: 'app' }), 0)
})

test('what an app needs is kept, whatever the defaults of other topics are; unless its topic says otherwise', async t => {
  const { port } = await openTestLog(t, {
    configs: { 'log.retention.ms': 5, 'log.cleanup.policy': 'compact' },
  })
  const { admin } = port
  await port.createTopic('kept', { partitions: 1, app: 'app' })
  await port.createTopic('purged', { partitions: 1, app: 'app', configs: { 'retention.ms': 7 } })
  await admin.alterConfigs({ type: 'broker' }, [
    { name: 'log.retention.bytes', op: 'set', value: 9 },
    { name: 'log.message.timestamp.type', op: 'set', value: 'LogAppendTime' },
  ])
  const names = ['cleanup.policy', 'message.timestamp.type', 'retention.bytes', 'retention.ms']
  const valuesOf = async (name: string): Promise<unknown> =>
    (await admin.describeConfigs({ type: 'topic', name }, names)).map(({ value }) => value)
  deepEqual(await valuesOf('kept'), ['delete', 'CreateTime', '-1', '-1'])
  deepEqual(await valuesOf('purged'), ['delete', 'CreateTime', '-1', '7'])
})

test('a topic that is created while the defaults change has the new ones', async t => {
  const { port } = await openTestLog(t)
  const creating = port.createTopic('t', { partitions: 3 })
  await port.admin.alterConfigs({ type: 'broker' }, [{ name: 'message.max.bytes', op: 'set', value: 200 }])
  await creating
  const writer = await port.openWriter()
  for (const partition of [0, 1, 2])
    await refuses('RECORD_TOO_LARGE', append(writer, 't', ['x'.repeat(500)], partition))
})

test('a topic that is compacted only loses no records by offset', async t => {
  const { port } = await openTestLog(t)
  const configs = { 'cleanup.policy': 'compact' }
  await port.createTopic('table', { partitions: 1, configs })
  await refuses('POLICY_VIOLATION', port.admin.deleteRecords('table', 0, -1))
  await port.admin.alterConfigs({ type: 'topic', name: 'table' }, [
    { name: 'cleanup.policy', op: 'append', value: 'delete' },
  ])
  equal(await port.admin.deleteRecords('table', 0, -1), 0)
  await refuses('OFFSET_OUT_OF_RANGE', port.admin.deleteRecords('table', 0, -2))
  await refuses('OFFSET_OUT_OF_RANGE', port.admin.deleteRecords('table', 0, 1))
})

test('what is read at opening cannot be altered, and says so whatever the value', async t => {
  const { port } = await openTestLog(t)
  const check = (name: string, about: RegExp): Promise<void> =>
    rejects(port.admin.alterConfigs({ type: 'broker' }, [{ name, op: 'set', value: 5 }]), {
      code: 'INVALID_CONFIG',
      message: about,
    })
  await check('group.max.size', /'group.max.size' is read when the log is opened: give it as an option/)
  await check('log.retention.hours', /read when the log is opened: alter 'log.retention.ms'/)
  await check('group.max.sizes', /did you mean 'group.max.size'/)
})

test('a limit that nothing can meet is refused at opening; one that a default does not meet names itself', async t => {
  const lags = { 'log.cleaner.min.compaction.lag.ms': 10, 'log.cleaner.max.compaction.lag.ms': 5 }
  await rejects(openTestLog(t, { configs: lags }), {
    code: 'INVALID_CONFIG',
    message: /'log.cleaner.min.compaction.lag.ms' is 10, .* log.cleaner.max.compaction.lag.ms, which is 5/,
  })
  const { port } = await openTestLog(t, {
    configs: { 'transaction.max.timeout.ms': 5000, 'group.max.session.timeout.ms': 7000 },
  })
  await rejects(port.openWriter({ transactionalId: 'x' }), {
    code: 'INVALID_TRANSACTION_TIMEOUT',
    message: /transaction.max.timeout.ms 5000/,
  })
  await (await port.openWriter({ transactionalId: 'x', transactionTimeoutMs: 5000 })).close()
  await port.createTopic('t', { partitions: 1 })
  const options = { group: 'g', topics: [['t']], onAssigned() {}, onRevoked() {}, onLost() {} }
  await rejects(port.joinGroup(options), {
    code: 'INVALID_SESSION_TIMEOUT',
    message: /group.max.session.timeout.ms 7000/,
  })
  await (await port.joinGroup({ ...options, sessionTimeoutMs: 7000 })).leave()
})

test('the broker describes its defaults, and which of them can be altered', async t => {
  const { port } = await openTestLog(t, { configs: { 'log.retention.hours': 2 } })
  const found = await port.admin.describeConfigs({ type: 'broker' }, [
    'log.retention.check.interval.ms',
    'log.retention.hours',
    'log.retention.ms',
  ])
  deepEqual(
    found.map(({ name, value, source, readOnly }) => [name, value, source, readOnly]),
    [
      ['log.retention.check.interval.ms', '300000', 'default', true],
      ['log.retention.hours', '2', 'static', true],
      ['log.retention.ms', null, 'default', false],
    ],
  )
  deepEqual(found[1]!.synonyms, [
    { name: 'log.retention.hours', value: '2', source: 'static' },
    { name: 'log.retention.hours', value: '168', source: 'default' },
  ])
})
