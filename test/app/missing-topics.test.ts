/**
 * Topics that an app reads and that do not exist: who creates them, with how many partitions, and which
 * notice the app gives.
 */
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '../../src/base/index.ts'
import { json, text, topic } from '../../src/schema/index.ts'
import { App, type RunOptions } from '../../src/stream/index.ts'
import { type Running, World } from './world.ts'

const named = (name: string, partitions?: number) =>
  topic(name, { key: text(), value: json<string>(), ...(partitions !== undefined && { partitions }) })

/** Copies one topic to another. */
function copying(name: string, from: ReturnType<typeof named>, to: ReturnType<typeof named>): App {
  const app = new App(name)
  app
    .stream(from)
    .filter(value => value !== null)
    .to(to)
  return app
}

const partitionsOf = async (world: World, name: string): Promise<number | undefined> =>
  (await world.settle(world.port.describeTopic(name)))?.partitions

/** Starts an app; its notices go to `notices`. */
const starting =
  (world: World, notices: string[] = []) =>
  (app: App, options: RunOptions = {}): Running =>
    world.start(app, { onNotice: message => void notices.push(message), ...options })

const refusal = async (world: World, { done }: Running): Promise<Error> => {
  const [outcome] = await world.settle(Promise.allSettled([done]))
  ok(outcome.status === 'rejected', 'it is refused')
  return outcome.reason as Error
}

test('a live run creates a missing input, says so with the topics that exist, and reads what comes', async () => {
  const world = await World.open()
  await world.write('clicks', [])
  const notices: string[] = []
  const running = starting(world, notices)(copying('app', named('klicks'), named('out')))
  await world.clock.advance(1000)
  equal(await partitionsOf(world, 'klicks'), 1)
  deepEqual(notices.length, 1)
  match(
    notices[0]!,
    /'app' reads topic 'klicks', which was missing and has been created with 1 partition.*The log has: clicks\./,
  )
  await world.write('klicks', [{ key: 'a', value: '"x"' }])
  await world.clock.advance(1000)
  await world.stop(running)
  deepEqual(
    (await world.read('out')).map(({ key }) => key),
    ['a'],
  )

  // The topic exists now: no notice.
  const again = starting(world, notices)(copying('app', named('klicks'), named('out')))
  await world.clock.advance(1000)
  await world.stop(again)
  equal(notices.length, 1)
})

test('a live run that declares the partition count creates the topic with it, without a notice', async () => {
  const world = await World.open()
  const notices: string[] = []
  const running = starting(world, notices)(copying('app', named('in', 3), named('out')))
  await world.clock.advance(1000)
  await world.stop(running)
  deepEqual([await partitionsOf(world, 'in'), await partitionsOf(world, 'out'), notices], [3, 3, []])
})

for (const until of ['end', 'now', 'finish'] as const) {
  const bounded = (world: World, app: App, notices: string[]): Running => {
    const running = starting(world, notices)(app, until === 'finish' ? {} : { until })
    if (until === 'finish') running.instance.finish()
    return running
  }

  test(`a bounded run (${until}) over a missing topic refuses and creates nothing, and its advice helps`, async () => {
    const world = await World.open()
    await world.write('clicks', [])
    const notices: string[] = []
    const error = await refusal(world, bounded(world, copying('app', named('klicks'), named('out')), notices))
    ok(isMillraceError(error, 'UNKNOWN_TOPIC'))
    match(
      error.message,
      /'klicks', which the app 'app' reads,.*The log has: clicks\..*declare its partitions/,
    )
    deepEqual([await partitionsOf(world, 'klicks'), notices], [undefined, []])

    const declared = bounded(world, copying('app', named('klicks', 2), named('out')), notices)
    await world.settle(declared.done)
    equal(await partitionsOf(world, 'klicks'), 2)
    // The run ended at once: the simulated time shows that.
    equal(notices.length, 1)
    match(notices[0]!, /'klicks', which was missing and has been created with 2 partitions/)
  })
}

for (const first of ['reader', 'writer'] as const)
  for (const [stated, expected] of [
    [[undefined, 4], 4],
    [[4, undefined], 4],
    [[4, 4], 4],
  ] as const)
    test(`two apps agree on the topic between them: reader ${stated[0]}, writer ${stated[1]}, ${first} first`, async () => {
      const world = await World.open()
      await world.write('in', [], { partitions: 2 })
      const reader = copying('reader', named('between', stated[0]), named('out'))
      const writer = copying('writer', named('in'), named('between', stated[1]))
      const start = starting(world)
      const running = (first === 'reader' ? [reader, writer] : [writer, reader]).map(app => start(app))
      await world.clock.advance(1000)
      equal(await partitionsOf(world, 'between'), expected)
      await world.write('in', [{ key: 'a', value: '"x"' }])
      await world.clock.advance(2000)
      for (const each of running) await world.stop(each)
      equal((await world.read('out')).length, 1)
    })

test('an app that declares another partition count than a running app used is refused with both, and the advice helps', async () => {
  const world = await World.open()
  await world.write('in', [])
  const start = starting(world)
  const reader = start(copying('reader', named('between'), named('out')))
  await world.clock.advance(1000)
  const error = await refusal(world, start(copying('writer', named('in'), named('between', 4))))
  ok(isMillraceError(error, 'PARTITION_COUNT_CHANGED'))
  match(
    error.message,
    /'writer' declares topic 'between' with 4 partitions, but it has 1.*'reader'.*declares no count.*Declare 1/,
  )

  const writer = start(copying('writer', named('in'), named('between', 1)))
  await world.clock.advance(1000)
  const other = await refusal(world, start(copying('third', named('between', 2), named('out'))))
  match(other.message, /'third' declares topic 'between' with 2 partitions, but it has 1.*'reader'/)
  for (const each of [reader, writer]) await world.stop(each)
})

test('a missing topic that shares a stage with another topic gets its partition count', async () => {
  const world = await World.open()
  await world.write('orders', [], { partitions: 3 })
  const app = new App('app')
  app
    .stream(named('payments'))
    .join(app.table(named('orders')), (payment, order) => `${payment} for ${order}`)
    .to(named('out'))
  const running = starting(world)(app)
  await world.clock.advance(1000)
  equal(running.outcome(), 'running')
  equal(await partitionsOf(world, 'payments'), 3)
  await world.stop(running)
  await rejects(world.settle(world.port.offsets('payments', 3, 'latest')))
})
