/** The topics that an app keeps for itself: how they are configured, and that they stay small. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { isMillraceError } from '../../src/base/index.ts'
import type { GroupMembership, LogPort } from '../../src/port/index.ts'
import { json, text, topic } from '../../src/schema/index.ts'
import { App, type RunOptions } from '../../src/stream/index.ts'
import { scale } from '../scale.ts'
import { resume, unpack } from './versions.ts'
import { inPlaceOf, World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const totals = topic('totals', { key: text(), value: json<number>(), partitions: 1 })

function counting(): App {
  const app = new App('app')
  app.stream(input).groupByKey().count({ name: 'count' }).to(totals)
  return app
}
const changelog = 'app-count-aggregate-changelog'

const configOf = async (world: World, name: string, config: string): Promise<string> => {
  const [found] = await world.settle(world.port.admin.describeConfigs({ type: 'topic', name }, [config]))
  return found?.value ?? ''
}

test('changelogs are compacted, also those of an earlier version, and keep what was set', async () => {
  const world = await World.open()
  await world.write('input', [{ key: 'a', value: 1 }])
  await world.run(counting(), { until: 'now' })
  equal(await configOf(world, changelog, 'cleanup.policy'), 'compact')
  equal(await configOf(world, changelog, 'min.compaction.lag.ms'), '0')
  const set = { name: 'segment.ms', op: 'set', value: 5000 } as const
  await world.settle(world.port.admin.alterConfigs({ type: 'topic', name: changelog }, [set]))
  await world.run(counting(), { until: 'now', guarantee: 'at-least-once' })
  equal(await configOf(world, changelog, 'segment.ms'), '5000')
  equal(await configOf(world, changelog, 'min.compaction.lag.ms'), String(86_400_000))
  await world.run(counting(), { until: 'now' })
  equal(await configOf(world, changelog, 'min.compaction.lag.ms'), String(86_400_000), 'once is enough')

  const fixture = new URL('fixtures/log-of-3a06ab1.txt', import.meta.url)
  const { ownTopics } = await resume(unpack(readFileSync(fixture, 'utf8')))
  const compacted = ownTopics.filter(([, policy]) => policy === 'compact').map(([name]) => name)
  deepEqual(
    compacted,
    ownTopics.map(([name]) => name).filter(name => name.endsWith('-changelog') && !name.includes('-plan-')),
  )
  ok(compacted.length > 5)
})

/** A log that never answers a commit of offsets. */
function withoutCommits(port: LogPort): LogPort {
  const joinGroup: LogPort['joinGroup'] = async group => {
    const commit: GroupMembership['commit'] = () => new Promise(() => {})
    return new Proxy(await port.joinGroup(group), inPlaceOf<GroupMembership>({ commit }))
  }
  return new Proxy(port, inPlaceOf<LogPort>({ joinGroup }))
}

test('at least once, a day after a crash, changes without a commit are refused where they may have replaced others', async () => {
  for (const [days, key] of [
    [0, 'new'],
    [2, 'old'],
    [2, 'new'],
  ] as const) {
    const world = await World.open()
    const options = { until: 'now', guarantee: 'at-least-once' } as const
    await world.write('input', [{ key: 'old', value: 1 }])
    await world.run(counting(), options)
    await world.write('input', [{ key, value: 1 }])
    world.start(counting(), options, withoutCommits(world.port))
    await world.clock.advance(1000)
    await world.crash()
    await world.clock.advance(days * 86_400_000)
    const running = world.run(counting(), options)
    if (days > 0 && key === 'new') {
      const error = await running.then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      ok(isMillraceError(error, 'STATE_INCOMPATIBLE'), String(error))
      match(error.message, /no commit counts.*restart: true/s)
      await world.run(counting(), { ...options, restart: true })
    } else await running
    const counts = new Map((await world.read('totals')).map(({ key: of, value }) => [of, value]))
    equal(counts.get(key), key === 'new' ? '1' : '2')
  }
})

/** Counts per group, behind an exchange. */
function grouping(): App {
  const app = new App('app')
  app
    .stream(input)
    .groupBy(n => `group ${n % 10}`)
    .count({ name: 'groups' })
    .to(totals)
  return app
}
const exchange = 'app-select-key-1-exchange-repartition'

/** The bytes of the files of the topics whose names match. */
async function bytesOf(world: World, name: RegExp): Promise<number> {
  let bytes = 0
  for (const [path, { length }] of await world.files())
    if (name.test(path.split('/')[2] ?? '') && path.endsWith('.log')) bytes += length
  return bytes
}

test('a topic between stages is purged behind the commits, and stops growing', async () => {
  const world = await World.open(1, {
    internal: { segmentBytes: 100_000, rewriteBytes: 50_000, batchBytes: 20_000, replayBytes: 40_000 },
  })
  const options: RunOptions = { exchange: 'topic', commitInterval: 100 }
  const configs = { 'segment.bytes': 20_000 }
  await world.settle(world.port.createTopic(exchange, { partitions: 2, app: 'app', configs }))
  let sent = 0
  const minutes = async (count: number): Promise<void> => {
    for (let second = 0; second < 60 * count; second += 1) {
      const records = Array.from({ length: 10 }, () => ({
        key: 'k',
        value: (sent += 1),
        partition: sent % 2,
      }))
      await world.write('input', records, { partitions: 2 })
      await world.clock.advance(1000)
    }
  }
  const running = world.start(grouping(), options)
  await minutes(scale(30))
  const own = /-repartition-|^__/
  const before = await bytesOf(world, own)
  await minutes(scale(30))
  const after = await bytesOf(world, own)
  ok(after < before * 1.5 + 40_000, `${before} bytes grew to ${after}`)
  await world.stop(running)

  // A short run begins by deleting what the last one had read.
  for (const partition of [0, 1]) {
    const [committed] = await world.settle(
      world.port.committedOffsets('app', [{ topic: exchange, partition }]),
    )
    await world.write('input', [{ key: 'k', value: (sent += 1), partition }])
    await world.run(grouping(), { ...options, until: 'now' })
    equal(await world.settle(world.port.offsets(exchange, partition, 'earliest')), committed?.offset)
  }
  const totalsOf = new Map((await world.read('totals')).map(({ key, value }) => [key, Number(value)]))
  equal(
    [...totalsOf.values()].reduce((sum, count) => sum + count, 0),
    sent,
  )
})
