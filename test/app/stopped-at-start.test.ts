/**
 * A run that is stopped while it starts, or while it restores partitions that it gets later. It ends at once,
 * whatever it waits for, and leaves nothing behind.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { LogPort, Reader } from '../../src/port/index.ts'
import { json, text, topic } from '../../src/schema/index.ts'
import { App } from '../../src/stream/index.ts'
import { inPlaceOf, World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const totals = topic('totals', { key: text(), value: json<number>(), partitions: 1 })

function counting(): App {
  const app = new App('app')
  app.stream(input).groupByKey().count().to(totals)
  return app
}

async function counted(partitions = 1): Promise<World> {
  const world = await World.open()
  await write(world, partitions)
  await world.run(counting(), { until: 'now' })
  return world
}

const write = (world: World, partitions = 1): Promise<void> =>
  world.write(
    'input',
    [0, 1, 2, 3].map(n => ({ key: 'a', value: n, partition: n % partitions })),
    { partitions },
  )

/** The group has no members, and the next run gives the results of an undisturbed one. */
async function checkLeft(world: World): Promise<void> {
  const group = (await world.settle(world.port.listGroups())).find(each => each.group === 'app')
  equal(group?.members, 0)
  await write(world)
  await world.run(counting(), { until: 'now' })
  deepEqual(
    (await world.read('totals')).map(({ value }) => value),
    ['1', '2', '3', '4', '5', '6', '7', '8'],
  )
}

/**
 * The log, with changelogs that do not answer while `isSilent`. `onWait` is called when a reader waits for
 * them.
 */
function withSilentChangelogs(world: World, isSilent: () => boolean, onWait = (): void => {}): LogPort {
  const openReader: LogPort['openReader'] = async options => {
    const reader = await world.port.openReader(options)
    return new Proxy(
      reader,
      inPlaceOf<Reader>({
        take: (name, partition) =>
          isSilent() && name.endsWith('-aggregate-changelog') ? undefined : reader.take(name, partition),
        wait: (timeoutMs, signal) => {
          onWait()
          return reader.wait(timeoutMs, signal)
        },
      }),
    )
  }
  return new Proxy(world.port, inPlaceOf<LogPort>({ openReader }))
}

for (const guarantee of ['exactly-once', 'at-least-once'] as const)
  test(`a run stops while it restores state, ${guarantee}`, async () => {
    const world = await counted()
    let waits = 0
    const log = withSilentChangelogs(
      world,
      () => true,
      () => {
        waits += 1
      },
    )
    const running = world.start(counting(), { guarantee }, log)
    await world.clock.advance(2500)
    ok(waits > 0)
    equal(running.instance.progress().state, 'starting')
    const stoppedAt = world.clock.now()
    await world.stop(running)
    ok(world.clock.now() - stoppedAt < 100)
    equal(running.instance.progress().state, 'stopped')
    await checkLeft(world)
  })

test('a run stops while its group waits for another member', async () => {
  const world = await World.open()
  await write(world, 2)
  await world.run(counting(), { until: 'now', exchange: 'topic' })
  const { promise: revoked, resolve: giveUp } = Promise.withResolvers<void>()
  const member = await world.settle(
    world.port.joinGroup({
      group: 'app',
      protocol: 'streams',
      topics: [['input']],
      onAssigned() {},
      onRevoked: () => revoked,
      onLost() {},
    }),
  )
  const running = world.start(counting(), { exchange: 'topic' })
  await world.clock.advance(1000)
  equal(running.instance.progress().state, 'starting')
  const stoppedAt = world.clock.now()
  await world.stop(running)
  ok(world.clock.now() - stoppedAt < 100)
  equal(running.instance.progress().state, 'stopped')
  giveUp()
  await world.settle(member.leave())
  await world.clock.advance(100)
  const group = (await world.settle(world.port.listGroups())).find(each => each.group === 'app')
  equal(group?.members, 0)
})

test('a run stops while it restores what another instance gave away', async () => {
  const world = await World.open()
  await write(world, 2)
  await world.run(counting(), { until: 'now', exchange: 'topic' })
  let isSilent = false
  const log = withSilentChangelogs(world, () => isSilent)
  const first = world.start(counting(), { exchange: 'topic', instance: '1' })
  const second = world.start(counting(), { exchange: 'topic', instance: '2' }, log)
  await world.clock.advance(2000)
  await write(world, 2)
  await world.clock.advance(2000)
  isSilent = true
  await world.stop(first)
  await world.clock.advance(2000)
  equal(second.instance.progress().state, 'running')
  const stoppedAt = world.clock.now()
  await world.stop(second)
  ok(world.clock.now() - stoppedAt < 100)
  equal(second.instance.progress().state, 'stopped')
  await write(world, 2)
  await world.run(counting(), { until: 'now', exchange: 'topic' })
  // A count for each partition, which the key contains.
  deepEqual(
    (await world.read('totals')).map(({ value }) => value),
    ['1', '2', '1', '2', '3', '4', '3', '4', '5', '6', '5', '6'],
  )
})
