/** process in an app: its outputs, its inputs and its clock, and what becomes of a function that fails. */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '../../base/index.ts'
import { json, text, topic } from '../../schema/index.ts'
import { testApp } from '../../testing/test-app.ts'
import { App } from './app.ts'
import { listState, mapState, output, valueState } from './process-declarations.ts'

const numbers = topic('numbers', { key: text(), value: json<number>() })
const limits = topic('limits', { key: json<string>(), value: json<number>() })
const results = topic('results', { key: text(), value: json<unknown>() })
const others = topic('others', { key: text(), value: json<unknown>() })

test('a sensor that is silent for a minute is reported, once', () => {
  const app = new App('app')
  const { silent, back } = app.stream(numbers).process({
    state: { isSilent: valueState<boolean>() },
    outputs: { silent: output<string>(), back: output<number>() },
    timers: {
      silence: (key, { state, emit }) => {
        state.isSilent.set(true)
        emit.silent(`${key} is silent`)
      },
    },
    onRecord: (value, _key, { state, emit, timers, timestamp }) => {
      if (state.isSilent.get()) emit.back(value ?? 0)
      state.isSilent.clear()
      timers.silence.set(timestamp + 60)
    },
  })
  silent.to(results)
  back.to(others)
  const run = testApp(app)
  run.input(numbers).push({ key: 'a', value: 1, timestamp: 10 }, { key: 'b', value: 2, timestamp: 40 })
  run.input(numbers).push({ key: 'a', value: 3, timestamp: 50 }, { key: 'c', value: 0, timestamp: 120 })
  run.input(numbers).push({ key: 'a', value: 4, timestamp: 130 })
  deepEqual(run.output(results).read(), [
    { key: 'b', value: 'b is silent', timestamp: 100 },
    { key: 'a', value: 'a is silent', timestamp: 110 },
  ])
  deepEqual(run.output(others).read(), [{ key: 'a', value: 4, timestamp: 130 }])
  run.advanceTime(Number.POSITIVE_INFINITY)
  deepEqual(
    run
      .output(results)
      .read()
      .map(({ timestamp }) => timestamp),
    [180, 190],
  )
})

test('other inputs come to the states of their key', () => {
  const app = new App('app')
  const { above } = app.stream(numbers).process({
    state: { limit: valueState<number>(), seen: listState<number>() },
    outputs: { above: output<readonly number[]>() },
    inputs: {
      limits: { from: app.stream(limits), onRecord: (limit, _key, { state }) => state.limit.set(limit ?? 0) },
    },
    onRecord: (value, _key, { state, emit }) => {
      state.seen.push(value ?? 0)
      if ((value ?? 0) > (state.limit.get() ?? 10)) emit.above(state.seen.values())
    },
  })
  above.to(results)
  const run = testApp(app)
  run.input(numbers).push({ key: 'a', value: 5 })
  run.input(limits).push({ key: 'a', value: 3 })
  run.input(numbers).push({ key: 'b', value: 6 }, { key: 'a', value: 4 }, { key: 'b', value: 11 })
  deepEqual(
    run
      .output(results)
      .read()
      .map(({ key, value }) => [key, value]),
    [
      ['a', [5, 4]],
      ['b', [6, 11]],
    ],
  )
})

test('every task has the rows of a table, as they are when a record comes', () => {
  const app = new App('app')
  const { found } = app.stream(numbers).process({
    broadcast: { limits: app.table(limits) },
    outputs: { found: output<unknown>() },
    onRecord: (value, _key, { broadcast, emit }) => {
      if (value !== null) emit.found([broadcast.limits.get('x') ?? null, broadcast.limits.entries()])
    },
  })
  found.to(results)
  const run = testApp(app, { onError: 'skip' })
  const look = (): unknown => {
    run.input(numbers).push({ key: 'a', value: 1 })
    return run.output(results).read()[0]?.value
  }
  deepEqual(look(), [null, []])
  run.input(limits).push({ key: 'x', value: 3 }, { key: 'b', value: 4 })
  deepEqual(look(), [
    3,
    [
      ['b', 4],
      ['x', 3],
    ],
  ])
  run.input(limits).push({ key: 'x', value: null })
  deepEqual(look(), [null, [['b', 4]]])
})

test('the records of a changed key meet in one state', () => {
  const app = new App('app')
  const { sums } = app
    .stream(numbers)
    .selectKey(value => `${(value ?? 0) % 2}`)
    .process({
      state: { all: mapState<string, number>() },
      outputs: { sums: output<unknown>() },
      onRecord: (value, _key, { state: { all }, emit }) => {
        all.set(`n${value}`, 1)
        emit.sums(all.entries())
      },
    })
  sums.to(results)
  const run = testApp(app)
  run.input(numbers).push({ key: 'a', value: 1 }, { key: 'b', value: 3 })
  deepEqual(run.output(results).read().at(-1), {
    key: '1',
    value: [
      ['n1', 1],
      ['n3', 1],
    ],
    timestamp: 0,
  })
})

test('a timer by the clock', () => {
  const app = new App('app')
  const { reminders } = app.stream(numbers).process({
    outputs: { reminders: output<number>() },
    timers: {
      remind: {
        time: 'processing',
        fire: (_key, { emit, timers, now }) => {
          emit.reminders(now())
          if (now() < 5000) timers.remind.set(now() + 1000)
        },
      },
    },
    onRecord: (value, _key, { timers, now }) => {
      if (value === null) timers.remind.cancel()
      else timers.remind.set(now() + value)
    },
  })
  reminders.to(results)
  const run = testApp(app)
  run.input(numbers).push({ key: 'a', value: 2500 }, { key: 'b', value: 1 }, { key: 'b', value: null })
  run.advanceWallClock(2499)
  deepEqual(run.output(results).read(), [])
  run.advanceWallClock(1)
  run.advanceWallClock(1000)
  run.advanceWallClock(10_000)
  deepEqual(
    run
      .output(results)
      .read()
      .map(({ value }) => value),
    [2500, 3500, 13_500],
  )
})

test('a chain of timers ends with the input', () => {
  const app = new App('app')
  const { ticks } = app.stream(numbers).process({
    outputs: { ticks: output<number>() },
    timers: {
      tick: (_key, { emit, timers, timestamp }) => (emit.ticks(timestamp), timers.tick.set(timestamp + 10)),
    },
    onRecord: (value, _key, { timers }) => timers.tick.set(value ?? 0),
  })
  ticks.to(results)
  const run = testApp(app)
  run.input(numbers).push({ key: 'a', value: 5 })
  run.advanceTime(26)
  run.advanceTime(Number.POSITIVE_INFINITY)
  deepEqual(
    run
      .output(results)
      .read()
      .map(({ value }) => value),
    [5, 15, 25, 35],
  )
})

for (const onError of ['fail', 'skip', { deadLetter: 'letters' }] as const)
  test(`a timer that fails leaves no trace, and others still fire: ${JSON.stringify(onError)}`, () => {
    const app = new App('app')
    const { fired } = app.stream(numbers).process({
      state: { count: valueState<number>() },
      outputs: { fired: output<number>() },
      timers: {
        alarm: (key, { state, emit }) => {
          state.count.set((state.count.get() ?? 0) + 10)
          emit.fired(state.count.get()!)
          if (key === 'bad') throw new Error('no alarm for bad')
        },
      },
      onRecord: (value, _key, { state, timers, emit }) => {
        state.count.set((state.count.get() ?? 0) + 1)
        if (value === null) emit.fired(state.count.get()!)
        else timers.alarm.set(value)
      },
    })
    fired.to(results)
    const run = testApp(app, { onError })
    run.input(numbers).push({ key: 'bad', value: 5, timestamp: 0 }, { key: 'good', value: 5, timestamp: 0 })
    const advance = (): void => run.advanceTime(6)
    if (onError === 'fail')
      return throws(
        advance,
        error =>
          isMillraceError(error, 'USER_FUNCTION_FAILED') && /process-1.*no alarm for bad/.test(error.message),
      )
    advance()
    run.input(numbers).push({ key: 'bad', value: null, timestamp: 6 })
    deepEqual(
      run
        .output(results)
        .read()
        .map(({ key, value }) => [key, value]),
      [
        ['good', 11],
        ['bad', 2],
      ],
    )
    equal(run.metrics.dropped.failed, 1)
    deepEqual(
      run.deadLetters().map(({ key, topic: from }) => [key, from]),
      onError === 'skip' ? [] : [['"bad"', 'process-1']],
    )
  })

test('a timer that fails ahead of a record is not the fault of the record', () => {
  const app = new App('app')
  const { fired } = app.stream(numbers).process({
    outputs: { fired: output<number>() },
    timers: {
      alarm: () => {
        throw new Error('no alarm')
      },
    },
    onRecord: (value, _key, { timers, emit }) => {
      emit.fired(value ?? 0)
      timers.alarm.set(value ?? 0)
    },
  })
  fired.to(results)
  const run = testApp(app, { onError: 'skip' })
  run.input(numbers).push({ key: 'a', value: 5, timestamp: 9 }, { key: 'a', value: 20, timestamp: 9 })
  deepEqual(
    run
      .output(results)
      .read()
      .map(({ value }) => value),
    [5, 20],
  )
  equal(run.metrics.dropped.failed, 1)
})

test('the context is valid during its call only', () => {
  const app = new App('app')
  const late: (() => void)[] = []
  const { out } = app.stream(numbers).process({
    state: { n: valueState<number>() },
    outputs: { out: output<number>() },
    timers: { soon: () => {} },
    onRecord: (_value, _key, context) => {
      late.push(
        () => context.emit.out(1),
        () => context.state.n.set(1),
        () => context.state.n.get(),
        () => context.timers.soon.set(1),
        () => context.timestamp,
      )
    },
  })
  out.to(results)
  const run = testApp(app)
  run.input(numbers).push({ key: 'a', value: 1, timestamp: 10 })
  equal(late.length, 5)
  for (const act of late) throws(act, /context of process is valid during the call only/)
  deepEqual(run.output(results).read(), [])
})

test('a timer that returns a promise fails', () => {
  const app = new App('app')
  app
    .stream(numbers)
    .process({
      outputs: { out: output<number>() },
      timers: { soon: () => Promise.reject(new Error('later')) as never },
      onRecord: (_value, _key, { timers, timestamp }) => timers.soon.set(timestamp),
    })
    .out.to(results)
  const run = testApp(app)
  run.input(numbers).push({ key: 'a', value: 1, timestamp: 10 })
  throws(() => run.advanceTime(Number.POSITIVE_INFINITY), {
    code: 'USER_FUNCTION_FAILED',
    message: /timer 'soon' returned a promise/,
  })
})

test('a timer needs a whole number that a record could have as its time', () => {
  for (const wrong of [1.5, Number.NaN, Number.MAX_SAFE_INTEGER]) {
    const app = new App('app')
    app
      .stream(numbers)
      .process({
        outputs: { out: output<number>() },
        timers: { soon: () => {} },
        onRecord: (_value, _key, { timers }) => timers.soon.set(wrong),
      })
      .out.to(results)
    throws(() => testApp(app).input(numbers).push({ key: 'a', value: 1, timestamp: 10 }), {
      code: 'USER_FUNCTION_FAILED',
      message: /timer 'soon' needs a whole number of ms since 1970/,
    })
  }
})

/** A program as it is without types. */
// oxlint-disable-next-line typescript/no-explicit-any -- these are the calls that types refuse
type Untyped = any

const onRecord = (): void => {}
const outputs = { out: output() }
for (const [name, definition, about] of [
  ['nothing', undefined, /definition of process.*undefined/],
  ['a function', onRecord, /definition of process.*a function/],
  ['no outputs', { onRecord }, /outputs of process must be one or more/],
  ['outputs without names', { outputs: {}, onRecord }, /outputs of process must be one or more/],
  ['a list of outputs', { outputs: ['alerts'], onRecord }, /'outputs' of process/],
  ['an output that is not one', { outputs: { out: 'x' }, onRecord }, /'out' in the outputs.*output<…>/],
  ['a name with a dash', { outputs: { 'a-b': output() }, onRecord }, /'a-b' cannot be a name in the outputs/],
  ['no onRecord', { outputs }, /onRecord of process must be a function/],
  ['an async onRecord', { outputs, onRecord: async () => {} }, /onRecord of process is an async/],
  ['a word for a state', { outputs, onRecord, state: { n: 0 } }, /'n' in the state.*valueState/],
  ['a timer without a function', { outputs, onRecord, timers: { a: {} } }, /'a' in the timers.*function/],
  [
    'an async timer',
    { outputs, onRecord, timers: { a: async () => {} } },
    /timer 'a' of process is an async/,
  ],
  [
    'another time for a timer',
    { outputs, onRecord, timers: { a: { fire: onRecord, time: 'wall' } } },
    /'time'.*'wall'/,
  ],
  [
    'a stream for an input',
    { outputs, onRecord, inputs: { a: new App('b').stream(limits) } },
    /'a' in the inputs.*from/,
  ],
  [
    'a stream for a table',
    { outputs, onRecord, broadcast: { a: new App('b').stream(limits) } },
    /'a' in the broadcast.*table/,
  ],
  ['an unknown part', { outputs, onRecord, states: {} }, /'states' of process.*'state'/],
] as const)
  test(`process refuses ${name}`, () => {
    const app = new App('app')
    const stream: Untyped = app.stream(numbers)
    const before = app.describe()
    throws(() => stream.process(definition), { code: 'INVALID_ARGUMENT', message: about })
    equal(app.describe(), before)
  })

test('process refuses states with wrong options, and streams of another app', () => {
  throws(() => valueState({ tll: '1h' } as never), { code: 'INVALID_ARGUMENT', message: /'tll'.*'ttl'/ })
  throws(() => mapState({ ttl: 'soon' as never }), { code: 'INVALID_DURATION', message: /'soon'/ })
  throws(() => mapState({ ttl: 0 }), { code: 'INVALID_ARGUMENT', message: /mapState.*longer than nothing/ })
  throws(() => valueState({ ttl: Number.MAX_SAFE_INTEGER }), {
    code: 'INVALID_ARGUMENT',
    message: /valueState.*is the most/,
  })
  throws(() => listState({ time: 'wall' as never }), { code: 'INVALID_ARGUMENT', message: /'wall'/ })
  const other = { from: new App('other').stream(limits), onRecord }
  throws(() => new App('app').stream(numbers).process({ outputs, inputs: { other }, onRecord }), {
    code: 'INVALID_TOPOLOGY',
    message: /'limits', which belongs to another app/,
  })
})
