/** What an app cannot write: the error names the operator, the topic and the key, and its advice can be followed. */
import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '../../src/base/index.ts'
import { json, text, topic } from '../../src/schema/index.ts'
import { App } from '../../src/stream/index.ts'
import { World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const output = topic('output', { key: text(), value: text() })

test('a record that is larger than its topic takes is named, and fits once the topic is created with larger segments', async () => {
  const world = await World.open()
  await world.settle(world.port.createTopic('output', { partitions: 1, segmentBytes: 200_000 }))
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
      match(error.message, /key 'k300000' that operator 'to-1' writes to topic 'output', partition 0/)
    },
  )
  deepEqual(await world.read('output'), [])

  await world.settle(world.port.deleteTopic('output'))
  await world.settle(world.port.createTopic('output', { partitions: 1, segmentBytes: 1_000_000 }))
  await world.run(app, { until: 'now' })
  deepEqual(
    (await world.read('output')).map(({ value }) => value?.length),
    sizes,
  )
})
