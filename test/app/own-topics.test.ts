/** The topics that an app keeps for itself: how they are configured, and that they stay small. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { isMillraceError } from '../../src/base/index.ts'
import type { GroupMembership, LogPort } from '../../src/port/index.ts'
import { json, text, topic } from '../../src/schema/index.ts'
import { App } from '../../src/stream/index.ts'
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
