/**
 * Apps seen by the operator of a log: listed, moved and deleted. Apps that 0.1.0 left behind are taken over.
 */
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { isMillraceError, type ErrorCode } from '../../src/base/index.ts'
import { deliver } from '../../src/connect/deliver.ts'
import { publish } from '../../src/connect/publish.ts'
import type { Source } from '../../src/connect/source.ts'
import { MemoryTarget } from '../../src/connect/memory-sink.test-support.ts'
import { bytes, json, text, topic } from '../../src/schema/index.ts'
import { type ConsumerOptions, createLog, type ResetTarget } from '../../src/port/index.ts'
import { App, listApps, resetApp } from '../../src/stream/index.ts'
import { BatchBuilder } from '../../src/wire/index.ts'
import { World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const output = topic('output', { key: json<unknown>(), value: json<unknown>(), partitions: 1 })

function counting(name = 'app'): App {
  const app = new App(name)
  app.stream(input).groupByKey().count().to(output)
  return app
}

const write = (world: World, count: number, from = 0): Promise<void> =>
  world.write(
    'input',
    Array.from({ length: count }, (_, n) => ({ key: 'k', value: n, timestamp: 1000 + from + n })),
    { perBatch: 1 },
  )
const valuesIn = async (world: World): Promise<number[]> =>
  (await world.read('output')).map(({ value }) => Number(value))
const withCode =
  (code: ErrorCode) =>
  (error: unknown): boolean =>
    isMillraceError(error, code)

async function counted(): Promise<World> {
  const world = await World.open()
  await write(world, 4)
  await world.run(counting(), { until: 'now' })
  await write(world, 2, 4)
  return world
}

test('apps are listed with their inputs, and whether they have finished', async () => {
  const world = await counted()
  await world.write('other', [{ key: 'k', value: 1 }])
  await world.settle(
    world.port.commitOffsets({ group: 'consumers', offsets: [{ topic: 'other', partition: 0, offset: 1 }] }),
  )
  const at = (offset: number, lag: number) => [{ topic: 'input', partition: 0, offset, lag }]
  deepEqual(await world.settle(listApps(world.port)), [
    { app: 'app', instances: 0, finished: false, inputs: at(4, 2) },
  ])
  await world.run(counting(), { until: 'end' })
  deepEqual(await world.settle(listApps(world.port)), [
    { app: 'app', instances: 0, finished: true, inputs: at(6, 0) },
  ])
})

/** Where an app that has read 4 of 6 records is moved to, and what it counts from there. */
const moves: readonly [to: ResetTarget, found: readonly number[]][] = [
  ['earliest', [1, 2, 3, 4, 5, 6]],
  ['latest', []],
  [3, [1, 2, 3]],
  [{ timestamp: 1002 }, [1, 2, 3, 4]],
]
for (const [to, found] of moves)
  test(`an app moved to ${JSON.stringify(to)} begins there without state`, async () => {
    const world = await counted()
    await world.settle(resetApp(world.port, 'app', to))
    await world.run(counting(), { until: 'now' })
    deepEqual((await valuesIn(world)).slice(4), found)
    await world.reopen()
    await write(world, 1, 6)
    await world.run(counting(), { until: 'now' })
    equal((await valuesIn(world)).at(-1), found.length + 1)
  })

test('apps, deliveries and sources can neither read nor write internal topics of an app or the log', async () => {
  const world = await World.open()
  await write(world, 3)
  const grouped = (): App => {
    const app = new App('app')
    const byValue = app.stream(input).groupBy(value => `${value}`)
    byValue.count().to(output)
    return app
  }
  await world.run(grouped(), { until: 'now', exchange: 'topic' })
  const open = ['input', 'output']
  const internal = (await world.settle(world.port.listTopics({ internal: true }))).filter(
    ({ name }) => !open.includes(name),
  )
  equal(internal.length, 5, 'state, plan, exchange; offsets and transactions')
  const appOf = (build: (app: App) => unknown): App => {
    const app = new App('other')
    build(app)
    return app
  }
  for (const { name, partitions } of internal)
    for (const declared of [undefined, partitions]) {
      const declares = declared === undefined ? {} : { partitions: declared }
      const its = topic(name, { key: text(), value: json<number>(), ...declares })
      const refused = (work: Promise<unknown>): Promise<void> =>
        rejects(world.settle(work), (error: unknown) => {
          ok(isMillraceError(error, 'INVALID_ARGUMENT'), String(error))
          ok(error.message.includes(`'${name}'`) && error.message.includes('another topic'), error.message)
          return true
        })
      await refused(
        world.run(
          appOf(app => app.stream(its).to(output)),
          { until: 'now' },
        ),
      )
      await refused(
        world.run(
          appOf(app => app.table(its).toStream().to(output)),
          { until: 'now' },
        ),
      )
      await refused(
        world.run(
          appOf(app => app.stream(input).to(its)),
          { until: 'now' },
        ),
      )
      await refused(
        world.run(
          appOf(app => app.stream(input).to(output)),
          {
            until: 'now',
            onError: { deadLetter: name },
          },
        ),
      )
      const rows: Source<number> = {
        name: 'rows',
        open: () => Promise.reject(new Error('opened')),
      }
      await refused(publish(world.port, its, rows, { key: String, value: row => row }))
      const target = new MemoryTarget<string, number>()
      await refused(deliver(world.port, its, target.sink(), { until: 'end', clock: world.clock }).done)
    }
})

test('internal topics of an app or the log can be inspected, but not changed', async () => {
  const world = await counted()
  const log = createLog(world.port, world.clock)
  for (const name of ['app-count-1-aggregate-changelog', '__consumer_offsets']) {
    const its = topic(name, { key: bytes(), value: bytes() })
    const read = async (options: ConsumerOptions): Promise<number> => {
      let records = 0
      for await (const _ of log.consumer(its, { until: 'end', ...options })) records += 1
      return records
    }
    ok((await world.settle(read({}))) > 0)
    const refusals: readonly (() => Promise<unknown>)[] = [
      () => read({ group: 'readers' }),
      () => log.producer(its).send({ key: new Uint8Array(1), value: new Uint8Array(1) }),
      () => log.deleteTopic(name),
      async () => {
        const batch = new BatchBuilder()
        batch.append(0, null, null)
        await (await world.port.openWriter()).append(name, 0, batch)
      },
    ]
    for (const refusal of refusals)
      await rejects(world.settle(refusal()), (error: unknown) => {
        ok(isMillraceError(error, 'INVALID_ARGUMENT'), String(error))
        return error.message.includes(`'${name}'`)
      })
    const taken = name.startsWith('__') ? 'INVALID_ARGUMENT' : 'TOPIC_EXISTS'
    await rejects(world.settle(log.createTopic(name)), withCode(taken))
  }
  deepEqual(
    (await world.port.listGroups()).map(({ group }) => group),
    ['app'],
  )
})

test("an app that finds a program's topic where its state would be is refused, and leaves it", async () => {
  const world = await counted()
  const name = 'other-count-1-aggregate-changelog'
  await world.port.createTopic(name, { partitions: 1 })
  for (const restart of [false, true]) {
    const app = new App('other')
    app.stream(input).groupByKey().count({ name: 'count-1' }).to(output)
    await rejects(world.settle(world.run(app, { until: 'now', restart })), (error: unknown) => {
      ok(isMillraceError(error, 'TOPIC_EXISTS'), String(error))
      return error.message.includes(`'${name}'`)
    })
  }
  equal((await world.settle(world.port.describeTopic(name)))?.config.app, undefined)
})

test("an app does not take a program's topic as its own, nor a program an app's", async () => {
  const own = topic('app-count-1-aggregate-changelog', {
    key: text(),
    value: json<number>(),
    partitions: 1,
  })
  const both: readonly ((app: App) => unknown)[] = [
    app => app.stream(own).groupByKey().count({ name: 'count-1' }).to(output),
    app => app.stream(input).groupByKey().count({ name: 'count-1' }).to(own),
    app => {
      app.stream(input).to(own)
      app.stream(input).groupByKey().count({ name: 'count-1' }).to(output)
    },
  ]
  for (const build of both) {
    const world = await World.open()
    await write(world, 3)
    const app = new App('app')
    build(app)
    await rejects(world.run(app, { until: 'now' }), withCode('INVALID_ARGUMENT'))
  }
})

test('an app that has finished can be moved, and runs again', async () => {
  const world = await counted()
  await world.run(counting(), { until: 'end' })
  await world.settle(resetApp(world.port, 'app', 5))
  await world.run(counting(), { until: 'now' })
  equal((await valuesIn(world)).at(-1), 1)
})

test('an invalid move is refused, and nothing is moved', async () => {
  const world = await counted()
  const reset = (name: string, to: ResetTarget) => world.settle(resetApp(world.port, name, to))
  await rejects(reset('app', 7), withCode('OFFSET_OUT_OF_RANGE'))
  await rejects(reset('nobody', 0), withCode('INVALID_ARGUMENT'))
  const running = world.start(counting())
  await world.clock.advance(200)
  await rejects(reset('app', 0), withCode('GROUP_NOT_EMPTY'))
  await world.stop(running)
  deepEqual(await valuesIn(world), [1, 2, 3, 4, 5, 6])
})

test('the app refuses a move that was interrupted, and the move can be repeated', async () => {
  const world = await counted()
  const interrupted = new Proxy(world.port, {
    get: (port, name) =>
      name === 'deleteTopic'
        ? () => Promise.reject(new Error('interrupted'))
        : (Reflect.get(port, name) as () => unknown).bind(port),
  })
  await rejects(world.settle(resetApp(interrupted, 'app', 3)), /interrupted/)
  await rejects(world.run(counting(), { until: 'now' }), withCode('STATE_INCOMPATIBLE'))
  await world.settle(resetApp(world.port, 'app', 3))
  await world.run(counting(), { until: 'now' })
  equal((await valuesIn(world)).at(-1), 3)
})

test('a deleted app is forgotten, and an app whose name begins alike is kept', async () => {
  const world = await counted()
  await world.run(counting('app-two'), { until: 'now' })
  equal(await world.settle(world.port.deleteApp('app')), true)
  deepEqual(
    (await world.settle(listApps(world.port))).map(({ app }) => app),
    ['app-two'],
  )
  await write(world, 1, 6)
  await world.run(counting('app-two'), { until: 'now' })
  equal((await valuesIn(world)).at(-1), 7)
  await world.run(counting(), { until: 'now' })
  deepEqual((await valuesIn(world)).slice(-7), [1, 2, 3, 4, 5, 6, 7])
})

/** A log of 0.1.0, in which the app has counted 4. */
function logOfEarlierVersion(): Promise<World> {
  const url = new URL('fixtures/log-of-0.1.0.json', import.meta.url)
  const files = JSON.parse(readFileSync(url, 'utf8')) as Record<string, string>
  return World.over(
    new Map(
      Object.entries(files).map(([path, content]) => [path, gunzipSync(Buffer.from(content, 'base64'))]),
    ),
  )
}

test('state from 0.1.0 is taken over, and is bound to its changelog from then on', async () => {
  const world = await logOfEarlierVersion()
  await write(world, 2, 4)
  await world.run(counting(), { until: 'now' })
  deepEqual(await valuesIn(world), [1, 2, 3, 4, 5, 6])
  await world.reopen()
  await write(world, 1, 6)
  await world.run(counting(), { until: 'now' })
  equal((await valuesIn(world)).at(-1), 7)
  deepEqual(
    (await world.settle(world.port.listTopics())).map(({ name }) => name),
    ['input', 'output'],
  )
})

test('state from 0.1.0 is refused if the program has another kind of state, or if its changelog is cut', async () => {
  const world = await logOfEarlierVersion()
  const summing = new App('app')
  summing
    .stream(input)
    .groupByKey()
    .reduce((sum, value) => sum + value, { name: 'count-1' })
    .mapValues(String)
    .to(output)
  await write(world, 1, 4)
  await world.run(counting(), { until: 'now' })
  await rejects(world.run(summing, { until: 'now' }), withCode('STATE_INCOMPATIBLE'))
  const old = await logOfEarlierVersion()
  await old.run(summing, { until: 'now' }).then(
    () => ok(false, 'it is refused'),
    (error: unknown) => ok(withCode('STATE_INCOMPATIBLE')(error), String(error)),
  )
})

test('an app of 0.1.0 that has not run since is deleted with its topics, also after a restart', async () => {
  const world = await logOfEarlierVersion()
  await world.reopen()
  equal(await world.settle(world.port.deleteApp('app')), true)
  deepEqual(
    (await world.settle(world.port.listTopics({ internal: true })))
      .map(({ name }) => name)
      .filter(name => name.startsWith('app-')),
    [],
  )
})

test('an app starts from scratch over what 0.1.0 left', async () => {
  const world = await logOfEarlierVersion()
  await world.run(counting(), { until: 'now', restart: true })
  deepEqual(await valuesIn(world), [1, 2, 3, 4, 1, 2, 3, 4])
})
