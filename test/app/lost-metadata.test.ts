/**
 * An app after the loss of the log's list of topics, or of the beginning of a changelog: right numbers, or a
 * refusal that says what to do.
 */
import { equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError, type MillraceError } from '../../src/base/index.ts'
import { withCheck } from '../../src/log/files/checked-text.ts'
import { json, text, topic } from '../../src/schema/index.ts'
import { App } from '../../src/stream/index.ts'
import { type Files, World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const output = topic('output', { key: json<unknown>(), value: json<unknown>(), partitions: 1 })
const changelog = 'app-count-1-aggregate-changelog'

function counting(): App {
  const app = new App('app')
  app.stream(input).groupByKey().count().to(output)
  return app
}

/** One more record of each of 50 keys. */
const write = (world: World, perBatch = 50): Promise<void> =>
  world.write(
    'input',
    Array.from({ length: 50 }, (_, value) => ({ key: `k${value}`, value })),
    { perBatch },
  )

async function outcome(world: World, restart = false): Promise<number | MillraceError> {
  try {
    await world.run(counting(), { until: 'now', restart })
  } catch (error) {
    if (!isMillraceError(error)) throw error
    return error
  }
  return Number((await world.read('output')).at(-1)?.value)
}

async function closed(world: World): Promise<Files> {
  await world.settle(world.port.close())
  return await world.files()
}

test('after the loss of metadata.json topics have the ids stored in their partitions, and the app continues', async () => {
  const world = await World.open()
  await write(world)
  await world.run(counting(), { until: 'now' })
  const files = new Map(await closed(world))
  ok(files.delete('/data/metadata.json'))
  const found = await World.over(files)
  await write(found)
  equal(await outcome(found), 2)
})

test('if all topic ids are new, the app continues on the input that it has read, and refuses another', async () => {
  const world = await World.open()
  await write(world)
  await world.run(counting(), { until: 'now' })
  const files = new Map(await closed(world))
  // As in a folder that Apache Kafka or millrace 0.1.0 wrote: the partitions store no topic ids.
  for (const path of files.keys())
    if (path.endsWith('/config.json') || path === '/data/metadata.json') files.delete(path)
  const same = await World.over(files)
  await write(same)
  const continued = await outcome(same)
  ok(continued === 2 || isMillraceError(continued), String(continued))

  // Another input of the same length.
  const other = await World.open(7)
  await write(other, 25)
  const others = await closed(other)
  for (const path of files.keys()) if (path.startsWith('/data/input-0/')) files.delete(path)
  for (const [path, bytes] of others)
    if (path.startsWith('/data/input-0/') && !path.endsWith('/config.json')) files.set(path, bytes)
  const changed = await World.over(files)
  await write(changed)
  const refused = await outcome(changed)
  ok(isMillraceError(refused, 'STATE_INCOMPATIBLE'), String(refused))
  equal(await outcome(changed, true), 2)
})

test('an app whose changelog lost its beginning is refused, and a start from scratch is right', async () => {
  const world = await World.open()
  // Small segments, so that the first can be deleted.
  await world.settle(
    world.port.createTopic(changelog, {
      partitions: 1,
      app: 'app',
      configs: { 'segment.bytes': 2000, 'retention.bytes': -1 },
    }),
  )
  for (let n = 0; n < 6; n += 1) {
    await write(world)
    await world.run(counting(), { until: 'now' })
  }
  const files = new Map(await closed(world))
  const segments = [...files.keys()].filter(
    path => path.startsWith(`/data/${changelog}-0/`) && path.endsWith('.log'),
  )
  ok(segments.length > 1)
  const first = segments.toSorted()[0]?.replace(/log$/, '') ?? ''
  for (const path of files.keys()) if (path.startsWith(first)) files.delete(path)
  const begins = Number(/(\d+)\.log$/.exec(segments.toSorted()[1] ?? '')?.[1])
  const starts = withCheck(`0\n1\n${changelog} 0 ${begins}\n`)
  const shorter = await World.over(files.set('/data/log-start-offset-checkpoint', starts))
  const start = await shorter.settle(shorter.port.offsets(changelog, 0, 'earliest'))
  ok(start > 0)
  await write(shorter)
  const refused = await outcome(shorter)
  ok(isMillraceError(refused, 'STATE_INCOMPATIBLE'), String(refused))
  match(refused.message, new RegExp(`'app'.*${changelog}-0 begins at offset ${start}.*restart: true`, 's'))
  equal(await outcome(shorter, true), 7)
})
