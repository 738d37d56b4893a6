/** A topic that declares another partition count than it has: its readers and its writers are refused. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '../../src/base/index.ts'
import { createApp, json, text, topic } from '../../src/index.ts'
import { openTestLog } from '../../src/broker/simulated-log.test-support.ts'
import { World } from './world.ts'

for (const part of ['source', 'sink'] as const)
  test(`an app whose ${part} declares 4 partitions does not run over one of 2`, async t => {
    const log = await openTestLog(t)
    await log.createTopic('source', { partitions: 2 })
    await log.createTopic('sink', { partitions: 2 })
    const declared = (name: string) =>
      topic(name, { key: text(), value: json<number>(), ...(name === part && { partitions: 4 }) })
    const app = createApp('counts')
    app
      .stream(declared('source'))
      .filter(value => value !== null)
      .to(declared('sink'))
    await assert.rejects(
      app.run({ log, until: 'now' }),
      error =>
        isMillraceError(error, 'PARTITION_COUNT_CHANGED') &&
        error.message.includes(`'${part}' has 2 partitions, the program declares 4`),
    )
  })

test('an app whose input gets more partitions says so; the advice leads to results of them all', async () => {
  const world = await World.open()
  const input = (partition: number) => [{ partition, key: `key ${partition}`, value: '1' }]
  await world.write('source', input(0))
  const app = createApp('counts')
  app
    .stream(topic('source', { key: text(), value: json<number>() }))
    .groupByKey()
    .count()
    .toStream()
    .to(topic('sink', { key: text(), value: json<number>() }))
  const keys = async (): Promise<Set<string | null>> =>
    new Set((await world.read('sink')).map(({ key }) => key))
  const notices: string[] = []
  const onNotice = (message: string): void => void notices.push(message)
  const running = world.start(app, { onNotice })
  await world.clock.advance(1000)
  await world.settle(world.port.admin.createPartitions('source', 2))
  await world.write('source', input(1))
  notices.length = 0
  for (let minute = 0; minute < 6; minute += 1) {
    await world.write('source', input(0))
    await world.clock.advance(60_000)
  }
  await world.stop(running)
  assert.equal(notices.length, 1)
  assert.match(notices[0]!, /'source' has 2 partitions.*'counts' began with 1.*restart: true/)
  assert.deepEqual(await keys(), new Set(['key 0']))
  const again = world.run(app, { until: 'now', onNotice })
  await assert.rejects(again, error => isMillraceError(error, 'PARTITION_COUNT_CHANGED'))
  await world.run(app, { until: 'now', restart: true, onNotice })
  assert.deepEqual(await keys(), new Set(['key 0', 'key 1']))
})
