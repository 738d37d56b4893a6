/**
 * Records that an app cannot write: the error names the operator, the topic and the key, and its advice can
 * be followed.
 */
import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { isMillraceError } from '../../src/base/index.ts'
import { type ErrorPolicy, json, text, topic } from '../../src/schema/index.ts'
import { App } from '../../src/stream/index.ts'
import { World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const output = topic('output', { key: text(), value: text() })

test('a record too large for its topic is named, and fits once the topic has larger segments', async () => {
  const world = await World.open()
  await world.settle(
    world.port.createTopic('output', { partitions: 1, configs: { 'segment.bytes': 200_000 } }),
  )
  const sizes = [10, 150_000, 300_000, 20]
  await world.write(
    'input',
    sizes.map(size => ({ key: `k${size}`, value: size })),
  )
  const app = new App('app')
  app
    .stream(input)
    .mapValues(size => 'x'.repeat(size ?? 0))
    .to(output)
  await world.run(app, { until: 'now' }).then(
    () => equal('no error', ''),
    (error: Error) => {
      equal(isMillraceError(error, 'RECORD_TOO_LARGE'), true, String(error))
      match(
        error.message,
        /record at input-0, offset 2,.*key 'k300000' that 'to-1' writes to topic 'output', partition 0/,
      )
    },
  )
  deepEqual(await world.read('output'), [])

  await world.settle(world.port.deleteTopic('output'))
  await world.settle(
    world.port.createTopic('output', { partitions: 1, configs: { 'segment.bytes': 1_000_000 } }),
  )
  await world.run(app, { until: 'now' })
  deepEqual(
    (await world.read('output')).map(({ value }) => value?.length),
    sizes,
  )
})

/** Each policy skips the one record that makes an output too large. */
const policies: readonly ErrorPolicy[] = ['skip', { deadLetter: 'letters' }]

for (const onError of policies)
  for (const exchange of ['memory', 'topic'] as const)
    test(`an output that is too large follows onError ${JSON.stringify(onError)}, exchange ${exchange}`, async () => {
      // The limit is the log's. A dead letter is larger than its record.
      const world = await World.open(1, { configs: { 'log.segment.bytes': 5000 } })
      await world.settle(
        world.port.createTopic('letters', { partitions: 1, configs: { 'segment.bytes': 20_000 } }),
      )
      const sizes = [10, 4000, 6000, 3000, 20]
      await world.write(
        'input',
        sizes.map((size, n) => ({ key: `k${n}`, value: size })),
      )
      const app = new App('app')
      app
        .stream(input)
        .map((size, key) => [key, 'x'.repeat(size ?? 0)])
        .groupByKey()
        .reduce((_, value) => value)
        .toStream()
        .to(output)
      const instance = await world.run(app, { until: 'now', onError, exchange })
      deepEqual(
        (await world.read('output')).map(({ value }) => value?.length),
        sizes.filter(size => size < 5000),
      )
      equal(instance.metrics.dropped.failed, 1)
      if (typeof onError === 'object') {
        const [letter] = await world.read('letters')
        match(letter?.headers['millrace.reason'] ?? '', /key 'k2' that 'to-1' writes to topic 'output'/)
      }
    })

test('records between stages are split into batches that fit, and a record that does not fit is named', async () => {
  const world = await World.open()
  const app = new App('app')
  app
    .stream(input)
    .map((size, key) => [`${key}!`, 'x'.repeat(size ?? 0)])
    .groupByKey()
    .reduce((_, value) => value)
    .toStream()
    .to(output)
  const exchange = 'app-map-1-exchange-repartition'
  await world.settle(
    world.port.createTopic(exchange, { partitions: 1, app: 'app', configs: { 'segment.bytes': 3000 } }),
  )
  const sizes = Array.from({ length: 200 }, (_, n) => n * 10)
  await world.write(
    'input',
    sizes.map((size, n) => ({ key: `k${n}`, value: size })),
  )
  await world.run(app, { until: 'now', exchange: 'topic' })
  equal((await world.read('output')).length, 200)
  await world.write('input', [{ key: 'big', value: 3000 }])
  await rejects(world.run(app, { until: 'now', exchange: 'topic' }), (error: unknown) => {
    equal(isMillraceError(error, 'RECORD_TOO_LARGE'), true, inspect(error))
    match(
      (error as Error).message,
      /key '"big!"'.* writes to topic 'app-map-1-exchange-repartition', partition 0/,
    )
    return true
  })
})

test('state that is too large for its changelog is named, and the app continues once its state is smaller', async () => {
  const world = await World.open()
  const changelog = 'app-list-aggregate-changelog'
  await world.settle(
    world.port.createTopic(changelog, { partitions: 1, app: 'app', configs: { 'segment.bytes': 3000 } }),
  )
  const appThat = (keep: (list: readonly string[], value: string) => readonly string[]): App => {
    const app = new App('app')
    app
      .stream(topic('input', { key: text(), value: text() }))
      .groupByKey()
      .aggregate([] as readonly string[], keep, { name: 'list' })
      .toStream()
      .mapValues(list => list?.length ?? 0)
      .to(topic('lengths', { key: text(), value: json<number>() }))
    return app
  }
  const growing = appThat((list, value) => [...list, value])
  // Many rows that together are smaller than a segment are written in several batches.
  const records = (keys: number, each: number) =>
    Array.from({ length: keys * each }, (_, n) => ({ key: `key-${n % keys}`, value: 'x'.repeat(500) }))
  await world.write('input', records(40, 3))
  await world.run(growing, { until: 'now' })
  await world.write('input', [...records(1, 5), { key: 'other', value: 'y' }])
  await rejects(world.run(growing, { until: 'now' }), (error: unknown) => {
    equal(isMillraceError(error, 'RECORD_TOO_LARGE'), true, inspect(error))
    match((error as Error).message, /'list' keeps for the key 'key-0' takes \d+ bytes in its changelog/)
    return true
  })
  await world.run(
    appThat((list, value) => [...list.slice(-2), value]),
    { until: 'now' },
  )
  const lengths = new Map((await world.read('lengths')).map(({ key, value }) => [key, value]))
  equal(lengths.get('key-0'), '3')
  equal(lengths.get('other'), '1')
  equal(lengths.size, 41)
})
