/**
 * A program that has changed since its last run: state that it can take over it takes over, state that it would misread is refused with what to do; and so are
 * inputs with another partition count, and another form of exchange while there is something in between. Two apps do not meet.
 */
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorCode, isMillraceError } from '../../src/base/index.ts'
import { json, text, topic } from '../../src/schema/index.ts'
import {
  App,
  type GroupedStream,
  hopping,
  type RunOptions,
  session,
  type Stream,
  tumbling,
} from '../../src/stream/index.ts'
import { World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const output = topic('output', { key: json<unknown>(), value: json<unknown>(), partitions: 1 })

type Program = (numbers: Stream<string, number>, app: App) => void

function appOf(program: Program, name = 'app'): App {
  const app = new App(name)
  program(app.stream(input) as Stream<string, number>, app)
  return app
}

const write = (world: World, ...values: readonly number[]): Promise<void> =>
  world.write(
    'input',
    values.map(value => ({ key: 'k', value, timestamp: value })),
  )

const valuesIn = async (world: World): Promise<string[]> =>
  (await world.read('output')).map(({ value }) => value ?? 'null')

/** Runs one program after the other over one log, three records each; gives what came out, or the error of the second. */
async function oneAfterTheOther(
  before: Program,
  after: Program,
  options: RunOptions = {},
): Promise<readonly string[] | { readonly code: ErrorCode; readonly message: string }> {
  const world = await World.open()
  await write(world, 1, 2)
  await world.run(appOf(before), { until: 'now', ...options })
  await write(world, 3)
  const written = (await valuesIn(world)).length
  try {
    await world.run(appOf(after), { until: 'end', ...options })
  } catch (error) {
    if (!isMillraceError(error)) throw error
    equal((await valuesIn(world)).length, written, 'nothing was written')
    // What the message promises.
    await world.run(appOf(after), { until: 'end', ...options, restart: true })
    return error
  }
  return await valuesIn(world)
}

const isIncompatible = (error: unknown): boolean => isMillraceError(error, 'STATE_INCOMPATIBLE')

type Grouped = GroupedStream<string, number>

const counted: Program = numbers => numbers.groupByKey().count({ name: 'state' }).to(output)
const windowed =
  (of: (grouped: Grouped) => { toStream(): Stream<unknown, unknown> }): Program =>
  numbers =>
    of(numbers.groupByKey()).toStream().to(output)
const tumblingBy = (...windows: Parameters<typeof tumbling>): Program =>
  windowed(grouped => grouped.windowedBy(tumbling(...windows)).count({ name: 'state' }))

const refused: readonly [name: string, before: Program, after: Program][] = [
  ['the size of a window', tumblingBy(100), tumblingBy(50)],
  ['the offset of a window', tumblingBy(100), tumblingBy(100, { offset: 10 })],
  ['the allowed lateness', tumblingBy(100), tumblingBy(100, { allowedLateness: 10 })],
  [
    'the kind of window',
    tumblingBy(100),
    windowed(grouped => grouped.windowedBy(hopping(100, 50)).count({ name: 'state' })),
  ],
  [
    'the gap of a session',
    windowed(grouped => grouped.windowedBy(session(10)).count({ name: 'state' })),
    windowed(grouped => grouped.windowedBy(session(20)).count({ name: 'state' })),
  ],
  [
    'the kind of aggregate',
    counted,
    numbers => numbers.groupByKey().reduce(Math.max, { name: 'state' }).to(output),
  ],
  [
    'the form of the keys',
    counted,
    numbers =>
      numbers
        .groupBy((_, key) => key)
        .count({ name: 'state' })
        .to(output),
  ],
]

for (const exchange of ['memory', 'topic'] as const)
  for (const [name, before, after] of refused)
    test(`${name} has changed: the state is refused, by name (${exchange})`, async () => {
      for (const [first, second] of [
        [before, after],
        [after, before],
      ] as const) {
        const found = await oneAfterTheOther(first, second, { exchange })
        ok('code' in found, JSON.stringify(found))
        equal(found.code, 'STATE_INCOMPATIBLE')
        match(
          found.message,
          /'app'.* operator 'state' has changed: .*was '.*is now '.*another name.*restart/s,
        )
      }
    })

test('an operator that comes begins with nothing, and one that is gone leaves the others alone', async () => {
  const named =
    (...names: readonly string[]): Program =>
    numbers => {
      for (const name of names)
        numbers
          .groupByKey()
          .count({ name })
          .mapValues(count => `${name} ${count}`)
          .to(output)
    }
  deepEqual(await oneAfterTheOther(named('one'), named('two', 'one')), [
    '"one 1"',
    '"one 2"',
    '"two 1"',
    '"one 3"',
  ])
  deepEqual(await oneAfterTheOther(named('one', 'two'), named('two')), [
    '"one 1"',
    '"two 1"',
    '"one 2"',
    '"two 2"',
    '"two 3"',
  ])
})

const sums = (grouped: Grouped): ReturnType<Grouped['count']> =>
  grouped.aggregate(0, (sum, value) => sum + value)
const largest = (grouped: Grouped): ReturnType<Grouped['count']> =>
  grouped.aggregate(0, (max, value) => Math.max(max, value))

/** Programs of which the second would misread the state of the first: refused, with what changed and both sides. */
const misread: readonly [name: string, before: Program, after: Program, says: RegExp][] = [
  [
    'an operator without a name is put above another (KAFKA-9072)',
    numbers => numbers.groupByKey().count().to(output),
    numbers => {
      numbers
        .filter(value => value >= 8)
        .groupByKey()
        .count()
        .mapValues(count => `big ${count}`)
        .to(output)
      numbers.groupByKey().count().to(output)
    },
    /'count-1' has changed: its place was 'input', and is now 'input › filter'.*name: 'count-1'/s,
  ],
  [
    'an aggregate is put above another like it',
    numbers => sums(numbers.groupByKey()).to(output),
    numbers => {
      largest(numbers.groupByKey())
        .mapValues(max => `max ${max}`)
        .to(output)
      sums(numbers.groupByKey()).to(output)
    },
    /feeds 2 operators 'aggregate' without a name.*fed 1: 'aggregate-1', 'aggregate-2'/s,
  ],
  [
    'one of two aggregates in one place is gone',
    numbers => {
      largest(numbers.groupByKey()).to(output)
      sums(numbers.groupByKey()).to(output)
    },
    numbers => sums(numbers.groupByKey()).to(output),
    /feeds 1 operators 'aggregate' without a name.*fed 2/s,
  ],
  [
    'an operator without a name takes the place of another',
    numbers => sums(numbers.groupByKey()).to(topic('sums', { key: text(), value: json<number>() })),
    numbers => largest(numbers.groupByKey()).to(output),
    /'aggregate-1' has changed: where its results go was 'sums', and is now 'output'/,
  ],
  [
    'a filter comes before an operator without a name',
    numbers => numbers.groupByKey().count().to(output),
    numbers =>
      numbers
        .filter(value => value > 1)
        .groupByKey()
        .count()
        .to(output),
    /its place was 'input', and is now 'input › filter'/,
  ],
  [
    'an operator has another name',
    numbers => numbers.groupByKey().count({ name: 'one' }).to(output),
    numbers => numbers.groupByKey().count({ name: 'two' }).to(output),
    /no operator claims the state of 'one' .*'two'.*forget: \['one'\]/s,
  ],
  [
    'an aggregate is of another shape',
    numbers =>
      numbers
        .groupByKey()
        .aggregate(0, (sum, value) => sum + value)
        .to(output),
    numbers =>
      numbers
        .groupByKey()
        .aggregate({ sum: 0, n: 0 }, ({ sum, n }, value) => ({ sum: sum + value, n: n + 1 }))
        .to(output),
    /the shape of its values was 'number', and is now '{ n: number, sum: number }'/,
  ],
  [
    'an aggregate in windows has another field',
    numbers =>
      numbers
        .groupByKey()
        .windowedBy(tumbling(100))
        .aggregate({ sum: 0 }, ({ sum }, value) => ({ sum: sum + value }))
        .emit('changes')
        .to(output),
    numbers =>
      numbers
        .groupByKey()
        .windowedBy(tumbling(100))
        .aggregate({ sum: 0, n: 0 }, ({ sum, n }, value) => ({ sum: sum + value, n: n + 1 }))
        .emit('changes')
        .to(output),
    /the shape of its values was '{ sum: number }', and is now '{ n: number, sum: number }'/,
  ],
  [
    'an operator with a name reads another topic',
    numbers => numbers.groupByKey().count({ name: 'state' }).to(output),
    (_, app) =>
      app
        .stream(topic('other', { key: text(), value: json<number>(), partitions: 1 }))
        .groupByKey()
        .count({ name: 'state' })
        .to(output),
    /the topic that it reads was 'input', and is now 'other'/,
  ],
  [
    'the stated version is another one',
    numbers => numbers.groupByKey().count({ version: 1 }).to(output),
    numbers => numbers.groupByKey().count({ version: 2 }).to(output),
    /the version of its values was '1', and is now '2'/,
  ],
]

for (const exchange of ['memory', 'topic'] as const)
  for (const [name, before, after, says] of misread)
    test(`${name}: refused (${exchange})`, async () => {
      const found = await oneAfterTheOther(before, after, { exchange })
      ok('code' in found, JSON.stringify(found))
      equal(found.code, 'STATE_INCOMPATIBLE')
      match(found.message, says)
    })

test('state that no operator claims is dropped by name; that of an operator that is there is not', async () => {
  const named = (...names: readonly string[]): App =>
    appOf(numbers => {
      for (const name of names)
        numbers
          .groupByKey()
          .count({ name })
          .mapValues(count => `${name} ${count}`)
          .to(output)
    })
  const world = await World.open()
  await write(world, 1, 2)
  await world.run(named('one'), { until: 'now' })
  await write(world, 3)
  await rejects(world.run(named('two'), { until: 'now' }), isIncompatible)
  await world.run(named('two'), { until: 'now', forget: ['one'] })
  deepEqual(await valuesIn(world), ['"one 1"', '"one 2"', '"two 1"'])
  equal(await world.settle(world.port.describeTopic('app-one-aggregate-changelog')), undefined)
  await rejects(world.run(named('two'), { until: 'now', forget: ['two'] }), (error: unknown) =>
    isMillraceError(error, 'INVALID_ARGUMENT'),
  )
})

test('an operator that was away has missed what came: its old state is refused, and dropped by name', async () => {
  const both: Program = numbers => {
    numbers.groupByKey().count({ name: 'one' }).to(output)
    numbers
      .groupByKey()
      .reduce((a, b) => a + b, { name: 'two' })
      .to(output)
  }
  const one: Program = numbers => numbers.groupByKey().count({ name: 'one' }).to(output)
  const world = await World.open()
  await write(world, 1)
  await world.run(appOf(both), { until: 'now' })
  await write(world, 2)
  const notices: string[] = []
  const instance = await world.run(appOf(one), {
    until: 'now',
    onNotice: notice => void notices.push(notice),
  })
  match(notices.join(' '), /claims: 'two'.*forget: \['two'\]/)
  deepEqual(instance.progress().unclaimed, ['two'])
  await write(world, 3)
  let failure: unknown
  await world.run(appOf(both), { until: 'now' }).catch((error: unknown) => {
    failure = error
  })
  ok(isMillraceError(failure, 'STATE_INCOMPATIBLE'), String(failure))
  match(failure.message, /'two' is back.*forget: \['two'\]/s)
  await world.run(appOf(both), { until: 'now', forget: ['two'] })
  deepEqual(await valuesIn(world), ['1', '1', '2', '3', '3'])
})

test('an operator that is given its old number as a name stays the same one', async () => {
  deepEqual(
    await oneAfterTheOther(
      numbers => numbers.groupByKey().count().to(output),
      numbers => {
        numbers
          .filter(value => value > 9)
          .groupByKey()
          .count({ name: 'few' })
          .to(output)
        numbers
          .filter(value => value > 0)
          .groupByKey()
          .count({ name: 'count-1' })
          .to(output)
      },
    ),
    ['1', '2', '3'],
  )
})

test('an operator whose version is stated may change the shape of its values', async () => {
  interface Sum {
    readonly sum: number
    readonly n?: number
  }
  const summing =
    (initial: Sum): Program =>
    numbers =>
      numbers
        .groupByKey()
        .aggregate(initial, ({ sum, n = 0 }, value) => ({ sum: sum + value, n: n + 1 }), {
          name: 'sum',
          version: 1,
        })
        .to(output)
  deepEqual(await oneAfterTheOther(summing({ sum: 0 }), summing({ sum: 0, n: 0 })), [
    '{"sum":1,"n":1}',
    '{"sum":3,"n":2}',
    '{"sum":6,"n":3}',
  ])
})

test('functions, filters and outputs may change: the state goes on', async () => {
  deepEqual(
    await oneAfterTheOther(
      numbers =>
        numbers
          .groupByKey()
          .aggregate(0, (sum, value) => sum + value, { name: 'state' })
          .to(output),
      numbers =>
        numbers
          .filter(value => value > 0)
          .groupByKey()
          .aggregate(0, (sum, value) => sum + 10 * value, { name: 'state' })
          .mapValues(sum => `sum ${sum}`)
          .to(output),
    ),
    ['1', '3', '"sum 33"'],
  )
})

test('another topic to read is read from its beginning', async () => {
  const other = topic('other', { key: text(), value: json<number>() })
  const world = await World.open()
  await write(world, 1, 2)
  await world.write('other', [{ key: 'k', value: 9 }])
  await world.run(appOf(counted), { until: 'now' })
  const both = appOf((numbers, app) => {
    counted(numbers, app)
    app.stream(other).to(output)
  })
  await world.run(both, { until: 'now' })
  deepEqual(await valuesIn(world), ['1', '2', '9'])
})

test('another partition count of the input is refused, until the app starts anew', async () => {
  for (const exchange of ['memory', 'topic'] as const) {
    const program: Program = numbers => {
      counted(numbers, new App('unused'))
      numbers
        .groupBy((_, key) => key)
        .count()
        .to(output)
    }
    const world = await World.open()
    await write(world, 1, 2)
    await world.run(appOf(program), { until: 'now', exchange })
    await world.settle(world.port.deleteTopic('input'))
    await world.write('input', [{ key: 'k', value: 3, partition: 1 }], { partitions: 2 })
    let failure: unknown
    await world.run(appOf(program), { until: 'now', exchange }).catch((error: unknown) => {
      failure = error
    })
    ok(isMillraceError(failure, 'PARTITION_COUNT_CHANGED'), String(failure))
    match(failure.message, /'app-.*' in 1 partitions.* 2.*restart/s)
    await world.run(appOf(program), { until: 'now', exchange, restart: true })
    deepEqual((await valuesIn(world)).sort(), ['1', '1', '1', '1', '2', '2'])
  }
})

/** Counts behind an exchange. */
const regrouped: Program = numbers =>
  numbers
    .groupBy((_, key) => `${key}${key}`)
    .count()
    .to(output)

test('the form of exchange may change where nothing is left in between', async () => {
  for (const [first, second] of [
    ['memory', 'topic'],
    ['topic', 'memory'],
  ] as const) {
    const world = await World.open()
    await write(world, 1, 2)
    await world.run(appOf(regrouped), { until: 'now', exchange: first })
    await write(world, 3)
    await world.run(appOf(regrouped), { until: 'now', exchange: second })
    deepEqual(await valuesIn(world), ['1', '2', '3'])
  }
})

test('what is left between the stages is not lost in memory: the run is refused, and what the message says helps', async () => {
  let refusals = 0
  for (let ms = 0; ms < 12; ms += 1) {
    const world = await World.open()
    await write(world, 1, 2)
    const running = world.start(appOf(regrouped), { exchange: 'topic', commitInterval: 1 })
    await world.clock.advance(ms)
    ok(running.outcome() !== 'failed')
    await world.crash()
    const inMemory = () => world.run(appOf(regrouped), { until: 'now', exchange: 'memory' })
    await inMemory().catch(async (error: unknown) => {
      ok(isMillraceError(error, 'STATE_INCOMPATIBLE'), String(error))
      match(error.message, /'app-select-key-1-exchange-repartition', partition 0/)
      refusals += 1
      await world.run(appOf(regrouped), { until: 'now', exchange: 'topic' })
      await inMemory()
    })
    deepEqual(await valuesIn(world), ['1', '2'], `crash after ${ms} ms`)
  }
  ok(refusals > 0)
})

test('an app that has read further than its input goes is refused: what came next would be passed over', async () => {
  for (const options of [{ until: 'now' }, {}] satisfies RunOptions[]) {
    const world = await World.open()
    await write(world, 1, 2)
    await world.run(appOf(counted), { until: 'now' })
    // As after a repair that cut the input off in front of that.
    await world.settle(
      world.port.commitOffsets({ group: 'app', offsets: [{ topic: 'input', partition: 0, offset: 9 }] }),
    )
    await write(world, 3)
    let failure: unknown
    await world.run(appOf(counted), options).catch((error: unknown) => {
      failure = error
    })
    ok(isMillraceError(failure, 'OFFSET_OUT_OF_RANGE'), String(failure))
    match(failure.message, /'app'.*input-0 up to offset 9, and it ends at 3.*restart/s)
    await world.run(appOf(counted), { until: 'now', restart: true })
    deepEqual(await valuesIn(world), ['1', '2', '1', '2', '3'])
  }
})

test('what is between the stages goes where it was going, by the name of what sent it, whatever the program has become', async () => {
  for (let ms = 0; ms < 12; ms += 2) {
    const world = await World.open()
    await write(world, 1, 2)
    const named: Program = numbers =>
      numbers
        .groupBy((_, key) => `${key}${key}`, { name: 'by-double' })
        .count({ name: 'doubles' })
        .to(output)
    world.start(appOf(named), { exchange: 'topic', commitInterval: 1 })
    await world.clock.advance(ms)
    await world.crash()
    const grown: Program = (numbers, app) => {
      numbers
        .groupBy(() => 'all')
        .count()
        .toStream()
        .filter(count => count !== null && count < 0)
        .to(output)
      named(numbers, app)
    }
    await world.run(appOf(grown), { until: 'now', exchange: 'topic' })
    deepEqual(await valuesIn(world), ['1', '2'], `crash after ${ms} ms`)
  }
})

test('two apps over one log read the same topics, and do not meet', async () => {
  const world = await World.open()
  await write(world, 1, 2)
  const one = world.start(appOf(regrouped, 'one'))
  const two = world.start(appOf(regrouped, 'two'), { exchange: 'topic' })
  await world.clock.advance(500)
  await write(world, 3)
  await world.clock.advance(500)
  await world.stop(one)
  await world.stop(two)
  deepEqual((await valuesIn(world)).sort(), ['1', '1', '2', '2', '3', '3'])
})

test('a consumer does not take records away from an app under its name', async () => {
  const world = await World.open()
  await write(world, 1)
  const running = world.start(appOf(counted))
  await world.clock.advance(200)
  let failure: unknown
  const joining = world.port.joinGroup({
    group: 'app',
    topics: [['input']],
    onAssigned: () => {},
    onRevoked: () => {},
    onLost: () => {},
  })
  await world.settle(joining).catch((error: unknown) => {
    failure = error
  })
  ok(isMillraceError(failure, 'INVALID_ARGUMENT'), String(failure))
  match(failure.message, /'app' is that of an app/)
  await write(world, 2)
  await world.clock.advance(200)
  await world.stop(running)
  deepEqual(await valuesIn(world), ['1', '2'])
})

test('two apps whose names and operators make one name of a changelog: the second is refused', async () => {
  const world = await World.open()
  await write(world, 1)
  const countAs = (app: string, name: string): App =>
    appOf(numbers => numbers.groupByKey().count({ name }).to(output), app)
  await world.run(countAs('a', 'b-c'), { until: 'now' })
  let failure: unknown
  await world.run(countAs('a-b', 'c'), { until: 'now' }).catch((error: unknown) => {
    failure = error
  })
  ok(isMillraceError(failure, 'STATE_INCOMPATIBLE'), String(failure))
  match(failure.message, /a\/b-c: .*a-b\/c: /s)
})

test('an operator that is given another name, as a refusal advises, begins with nothing, and others continue', async () => {
  const program =
    (summing: Program): Program =>
    (numbers, app) => {
      summing(numbers, app)
      numbers
        .groupByKey()
        .count({ name: 'count' })
        .mapValues(count => `count ${count}`)
        .to(output)
    }
  const sum: Program = numbers =>
    numbers
      .groupByKey()
      .aggregate(0, (n, value) => n + value, { name: 'sum' })
      .to(output)
  const mean =
    (name: string): Program =>
    numbers =>
      numbers
        .groupByKey()
        .aggregate({ sum: 0, n: 0 }, (all, value) => ({ sum: all.sum + value, n: all.n + 1 }), { name })
        .to(output)
  const world = await World.open()
  await write(world, 1, 2)
  await world.run(appOf(program(sum)), { until: 'now' })
  await write(world, 3)
  let failure: unknown
  await world.run(appOf(program(mean('sum'))), { until: 'now' }).catch((error: unknown) => {
    failure = error
  })
  ok(isMillraceError(failure, 'STATE_INCOMPATIBLE'), String(failure))
  match(failure.message, /another name and drop the old state with { forget: \['sum'\] }/)
  await world.run(appOf(program(mean('mean'))), { until: 'now', forget: ['sum'] })
  deepEqual((await valuesIn(world)).slice(4), ['{"sum":3,"n":1}', '"count 3"'])
})

test('what is between the stages does not get to another operator whose number it has now', async () => {
  let refusals = 0
  for (let ms = 0; ms < 12; ms += 1) {
    const world = await World.open()
    await write(world, 1, 2)
    const doubles: Program = numbers =>
      numbers
        .groupBy((_, key) => `${key}${key}`)
        .count({ name: 'doubles' })
        .to(output)
    world.start(appOf(doubles), { exchange: 'topic', commitInterval: 1 })
    await world.clock.advance(ms)
    await world.crash()
    const grown: Program = (numbers, app) => {
      numbers
        .groupBy(value => value)
        .count({ name: 'values' })
        .filter(count => count < 0)
        .to(output)
      doubles(numbers, app)
    }
    const run = () => world.run(appOf(grown), { until: 'now', exchange: 'topic' })
    await run().catch(async (error: unknown) => {
      ok(isMillraceError(error, 'STATE_INCOMPATIBLE'), String(error))
      match(error.message, /'app-select-key-1-exchange-repartition'.*earlier program/s)
      refusals += 1
      await world.run(appOf(doubles), { until: 'now', exchange: 'topic' })
      await run()
    })
    deepEqual(await valuesIn(world), ['1', '2'], `crash after ${ms} ms`)
  }
  ok(refusals > 0)
})
