/**
 * Records that cannot be processed, and user functions that fail: under each policy, of the app and of the
 * source, with the exchange in memory and over topics. Every case runs the same three records; the second is
 * bad.
 */
import { deepEqual, equal, match, ok, rejects, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { isMillraceError, type ErrorCode } from '../../src/base/index.ts'
import { type ErrorPolicy, json, text, topic, windowed } from '../../src/schema/index.ts'
import { App, type Metrics, type Stream, tumbling } from '../../src/stream/index.ts'
import { type Incoming, type Outgoing, World } from './world.ts'

interface Event {
  readonly at: number
  readonly bad?: boolean
}

const output = topic('output', { key: text(), value: json<unknown>(), partitions: 1 })
const results = topic('results', { key: windowed(text()), value: json<number>(), partitions: 1 })

/** Fails on bad events. */
function strict<V extends Event>(event: V): V {
  if (event.bad) throw new TypeError('bad luck')
  return event
}

type Program = (events: Stream<string, Event>) => void
const copied: Program = events => events.to(output)
const counted: Program = events => events.groupByKey().count().to(output)

interface Case {
  readonly name: string
  readonly bad: Incoming
  readonly program: Program
  readonly code: ErrorCode
  readonly counted: keyof Metrics['dropped']
  readonly reason: RegExp
  /** Only a user function's failure has a stack. */
  readonly hasStack: boolean
}

const good = (at: number): Incoming => ({ key: 'k', value: { at }, timestamp: at })

const cases: readonly Case[] = [
  {
    name: 'a value that is not JSON',
    bad: { key: 'k', value: '{"at":', timestamp: 2 },
    program: copied,
    code: 'MALFORMED_RECORD',
    counted: 'malformed',
    reason: /^its value: /,
    hasStack: false,
  },
  {
    name: 'a timestamp function that returns an invalid time',
    bad: { key: 'k', value: { at: 'noon' }, timestamp: 2 },
    program: copied,
    code: 'MALFORMED_RECORD',
    counted: 'malformed',
    reason: /^its timestamp noon is not a whole number/,
    hasStack: false,
  },
  {
    name: 'a time before 1970',
    bad: { key: 'k', value: { at: -1 }, timestamp: 2 },
    program: copied,
    code: 'MALFORMED_RECORD',
    counted: 'malformed',
    reason: /^its timestamp -1 is not a whole number/,
    hasStack: false,
  },
  {
    name: 'a timestamp function that throws',
    bad: { key: 'k', value: { at: 'never' }, timestamp: 2 },
    program: copied,
    code: 'MALFORMED_RECORD',
    counted: 'malformed',
    reason: /^its timestamp function threw RangeError: never/,
    hasStack: true,
  },
  {
    name: 'a user function that fails',
    bad: { key: 'k', value: { at: 2, bad: true }, timestamp: 2 },
    program: events => events.mapValues(strict, { name: 'strictly' }).to(output),
    code: 'USER_FUNCTION_FAILED',
    counted: 'failed',
    reason: /^operator 'strictly' failed: bad luck/,
    hasStack: true,
  },
  {
    name: 'a value that the output topic refuses',
    bad: { key: 'k', value: { at: 2, bad: true }, timestamp: 2 },
    program: events => events.mapValues(event => (event.bad ? { at: 2n } : event)).to(output),
    code: 'USER_FUNCTION_FAILED',
    counted: 'failed',
    reason: /value of topic 'output' cannot be written/,
    hasStack: true,
  },
]

async function worldOf(bad: Incoming): Promise<World> {
  const world = await World.open()
  await world.write('input', [good(1), bad, good(3)])
  return world
}

function timeOf({ at }: { readonly at: unknown }): number {
  if (at === 'never') throw new RangeError('never')
  return at as number
}

function appOf(program: Program, onError?: ErrorPolicy): App {
  const app = new App('app')
  const options = {
    key: text(),
    value: json<Event>(),
    timestamp: timeOf,
    ...(onError && { onError }),
  }
  program(app.stream(topic('input', options)) as Stream<string, Event>)
  return app
}

/** The values that the app wrote. */
const values = (records: readonly Outgoing[]): unknown[] =>
  records.map(({ value }) => JSON.parse(value ?? 'null'))

for (const each of cases) {
  test(`${each.name}: the policy fail ends the run`, async () => {
    const world = await worldOf(each.bad)
    const app = appOf(each.program)
    const failure = (error: unknown): boolean => {
      ok(isMillraceError(error, each.code), String(error))
      // The message names the record, so that it can be inspected.
      match(error.message, /input-0, offset 1,/)
      return true
    }
    await rejects(world.run(app, { until: 'now' }), failure)
    deepEqual(await world.read('output'), [])
    const [committed] = await world.settle(
      world.port.committedOffsets('app', [{ topic: 'input', partition: 0 }]),
    )
    ok((committed?.offset ?? 0) <= 1, 'nothing past the record is committed')
    // The record is still there for the next run.
    await rejects(world.run(app, { until: 'now' }), failure)
  })

  test(`${each.name}: the source's policy skip drops the record`, async () => {
    const world = await worldOf(each.bad)
    const { metrics } = await world.run(appOf(each.program, 'skip'), { until: 'now' })
    deepEqual(values(await world.read('output')), [{ at: 1 }, { at: 3 }])
    deepEqual([metrics.dropped[each.counted], metrics.deadLetters, metrics.records], [1, 0, 3])
  })

  test(`${each.name}: the app's policy writes a dead letter`, async () => {
    const world = await worldOf(each.bad)
    const { metrics } = await world.run(appOf(each.program), {
      until: 'now',
      onError: { deadLetter: 'letters' },
    })
    deepEqual(values(await world.read('output')), [{ at: 1 }, { at: 3 }])
    deepEqual([metrics.dropped[each.counted], metrics.deadLetters], [1, 1])
    const [letter, ...others] = await world.read('letters')
    deepEqual(others, [])
    const { value } = each.bad
    // The bytes are those on the log.
    deepEqual(
      { key: letter?.key, value: letter?.value, timestamp: letter?.timestamp },
      { key: 'k', value: typeof value === 'string' ? value : JSON.stringify(value), timestamp: 2 },
    )
    const headers = letter?.headers ?? {}
    match(headers['millrace.reason'] ?? '', each.reason)
    deepEqual(
      ['topic', 'partition', 'offset'].map(name => headers[`millrace.${name}`]),
      ['input', '0', '1'],
    )
    equal('millrace.stack' in headers, each.hasStack)
  })
}

test('the policy of a source overrides that of the app', async () => {
  const [first] = cases as [Case]
  const world = await worldOf(first.bad)
  const { metrics } = await world.run(appOf(copied, 'skip'), {
    until: 'now',
    onError: { deadLetter: 'letters' },
  })
  deepEqual([metrics.dropped.malformed, metrics.deadLetters], [1, 0])
})

test('a record without a key is dropped and counted if one is needed, or written as a dead letter under that policy', async () => {
  for (const onError of ['fail', 'skip', { deadLetter: 'letters' }] satisfies ErrorPolicy[]) {
    const world = await worldOf({ key: null, value: { at: 2 }, timestamp: 2 })
    const { metrics } = await world.run(appOf(counted), { until: 'now', onError })
    deepEqual(values(await world.read('output')), [1, 2])
    const isKept = typeof onError === 'object'
    deepEqual([metrics.dropped['null-key'], metrics.deadLetters], [1, isKept ? 1 : 0])
    if (!isKept) continue
    const [letter] = await world.read('letters')
    deepEqual([letter?.key, letter?.value, letter?.headers['millrace.offset']], [null, '{"at":2}', '1'])
  }
})

test('a record without a key that two operators need becomes one dead letter', async () => {
  const world = await worldOf({ key: null, value: { at: 2 }, timestamp: 2 })
  const app = appOf(events => {
    counted(events)
    events.groupByKey().reduce((_, last) => last)
  })
  const { metrics } = await world.run(app, { until: 'now', onError: { deadLetter: 'letters' } })
  deepEqual([metrics.dropped['null-key'], metrics.deadLetters], [2, 1])
})

for (const exchange of ['memory', 'topic'] as const) {
  /** Fails behind the exchange. */
  const regrouped: Program = events =>
    events
      .selectKey(() => 'all')
      .groupByKey()
      .aggregate(0, (sum, event) => sum + strict(event).at)
      .to(output)
  const bad: Incoming = { key: 'k', value: { at: 2, bad: true }, timestamp: 2 }

  test(`a user function that fails behind an exchange (${exchange}) ends the run under fail`, async () => {
    const world = await worldOf(bad)
    await rejects(
      world.run(appOf(regrouped), { until: 'now', exchange }),
      (error: unknown) =>
        isMillraceError(error, 'USER_FUNCTION_FAILED') &&
        /(input|app-select-key-1-exchange-repartition)-0, offset \d+,/.test(error.message),
    )
    deepEqual(await world.read('output'), [])
  })

  test(`a user function that fails behind an exchange (${exchange}) follows the source's policy`, async () => {
    const world = await worldOf(bad)
    const { metrics } = await world.run(appOf(regrouped, 'skip'), { until: 'now', exchange })
    deepEqual(values(await world.read('output')), [1, 4])
    equal(metrics.dropped.failed, 1)
  })

  test(`a user function that fails behind an exchange (${exchange}) leads to a dead letter`, async () => {
    const world = await worldOf(bad)
    await world.run(appOf(regrouped), { until: 'now', exchange, onError: { deadLetter: 'letters' } })
    deepEqual(values(await world.read('output')), [1, 4])
    const [letter] = await world.read('letters')
    match(letter?.headers['millrace.reason'] ?? '', /^operator 'aggregate-1' failed: bad luck/)
    match(letter?.headers['millrace.topic'] ?? '', exchange === 'memory' ? /^input$/ : /-repartition$/)
  })

  /** Two windows are due at once; the function fails on the result of the first. */
  const onResults: Program = events =>
    events
      .groupByKey()
      .windowedBy(tumbling(2))
      .count()
      .emit('final')
      .toStream()
      .filter((_, { start }) => strict({ at: start, bad: start === 0 }).at >= 0, { name: 'strictly' })
      .to(results)

  test(`a user function that fails on a result that is due (${exchange}) ends the run under fail`, async () => {
    const world = await worldOf(good(2))
    await rejects(world.run(appOf(onResults), { until: 'end', exchange }), (error: unknown) =>
      isMillraceError(error, 'USER_FUNCTION_FAILED'),
    )
    deepEqual(await world.read('results'), [])
  })

  test(`a user function that fails on a result that is due (${exchange}) can be skipped, or lead to a dead letter`, async () => {
    for (const onError of ['skip', { deadLetter: 'letters' }] satisfies ErrorPolicy[]) {
      const world = await worldOf(good(2))
      const { metrics } = await world.run(appOf(onResults), { until: 'end', exchange, onError })
      deepEqual(values(await world.read('results')), [2])
      equal(metrics.dropped.failed, 1)
      if (onError === 'skip') continue
      const [letter] = await world.read('letters')
      deepEqual(
        [letter?.headers['millrace.operator'], letter?.headers['millrace.task'], letter?.value],
        ['aggregate-1', '0', '1'].with(0, 'count-1'),
      )
    }
  })
}

test('dead letters cannot go to a topic that the app reads', async () => {
  const [first] = cases as [Case]
  for (const [onError, ofTopic] of [
    [{ deadLetter: 'input' }, undefined],
    ['fail', { deadLetter: 'input' }],
  ] as const) {
    const world = await worldOf(first.bad)
    await rejects(world.run(appOf(copied, ofTopic), { until: 'now', onError }), {
      code: 'INVALID_TOPOLOGY',
      message: /'app'.*'input'/,
    })
  }
})

test('unknown options are named before anything runs', async () => {
  const [first] = cases as [Case]
  const world = await worldOf(first.bad)
  for (const [option, value] of Object.entries({
    until: 'later',
    guarantee: 'at-most-once',
    exchange: 'none',
    onError: 'ignore',
    commitInterval: 'soon',
  }))
    throws(
      () => world.start(appOf(copied), { [option]: value }),
      (error: unknown) =>
        isMillraceError(error, 'INVALID_ARGUMENT', 'INVALID_DURATION') && error.message.includes(value),
      option,
    )
})

test('a schema that validates asynchronously ends the run under any policy, for inputs and outputs', async () => {
  const isSlow = z.object({ at: z.int() }).refine(() => Promise.resolve(true))
  const read = new App('read')
  read.stream(topic('input', { key: text(), value: isSlow })).to(output)
  const written = new App('written')
  written
    .stream(topic('input', { key: text(), value: json<Event>() }))
    .to(topic('slow', { key: text(), value: isSlow }))
  for (const [app, where] of [
    [read, /value of topic 'input'/],
    [written, /value of topic 'slow'/],
  ] as const)
    for (const onError of ['fail', 'skip', { deadLetter: 'letters' }] satisfies ErrorPolicy[]) {
      const world = await worldOf(good(2))
      await rejects(world.run(app, { until: 'now', onError }), { code: 'SCHEMA_ASYNC', message: where })
      deepEqual([...(await world.read('output')), ...(await world.read('slow'))], [])
    }
})

test('the effects of a user function before it failed are not undone, and the record is not retried', async () => {
  const seen: number[] = []
  const world = await worldOf({ key: 'k', value: { at: 2, bad: true }, timestamp: 2 })
  await world.run(
    appOf(
      events =>
        events
          .peek(({ at }) => seen.push(at))
          .mapValues(strict)
          .to(output),
      'skip',
    ),
    { until: 'now' },
  )
  deepEqual(seen, [1, 2, 3])
})
