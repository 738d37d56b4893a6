/** mapAsync: the order of its results, and what becomes of calls that fail, or take too long. */
import { deepEqual, equal, rejects, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic, type Topic } from '../../schema/index.ts'
import { type TestApp, testApp, type TestAppOptions } from '../../testing/test-app.ts'
import { App } from './app.ts'
import type { MapAsyncOptions } from './map-async.ts'
import { tumbling } from './windows.ts'

const input = topic('input', { key: text(), value: json<number>() })
const output = topic('output', { key: text(), value: json<unknown>() })
const windows = topic('windows', { key: json<unknown>(), value: json<number>() })

function valuesOf<K, V>(run: TestApp, from: Topic<K, V>): unknown[] {
  return run
    .output(from)
    .read()
    .map(({ value }) => value)
}

/** An app whose calls the test answers, by the value that they are about. */
class Calls {
  readonly made: number[] = []
  readonly #open = new Map<
    number,
    { readonly resolve: (value: number) => void; readonly reject: (error: Error) => void }
  >()
  readonly app = new App('app')
  readonly run: TestApp

  constructor(options: MapAsyncOptions = {}, testOptions: TestAppOptions = {}) {
    this.app
      .stream(input)
      .mapAsync(value => this.#call(value ?? 0), options)
      .to(output)
    this.run = testApp(this.app, testOptions)
  }

  #call(value: number): Promise<number> {
    this.made.push(value)
    return new Promise((resolve, reject) => this.#open.set(value, { resolve, reject }))
  }

  push(...values: readonly number[]): void {
    for (const value of values) this.run.input(input).push({ key: `k${value}`, value, timestamp: value })
    this.run.advanceWallClock(0)
  }

  async answer(value: number, error?: Error): Promise<void> {
    const { resolve, reject } = this.#open.get(value)!
    if (error) reject(error)
    else resolve(10 * value)
    await new Promise(setImmediate)
    this.run.advanceWallClock(0)
  }

  results(): unknown[] {
    return valuesOf(this.run, output)
  }
}

test('results have the order of the records', async () => {
  const calls = new Calls()
  calls.push(1, 2, 3)
  deepEqual(calls.made, [1, 2, 3])
  await calls.answer(2)
  deepEqual(calls.results(), [])
  await calls.answer(1)
  deepEqual(calls.results(), [10, 20])
  await calls.answer(3)
  await calls.run.settled()
  deepEqual(calls.results(), [30])
})

test('unordered, a result comes once it is there', async () => {
  const calls = new Calls({ ordered: false })
  calls.push(1, 2)
  await calls.answer(2)
  deepEqual(calls.results(), [20])
  await calls.answer(1)
  deepEqual(calls.results(), [10])
})

test('no more calls are in flight than the capacity', async () => {
  const calls = new Calls({ capacity: 2 })
  calls.push(1, 2, 3, 4)
  deepEqual(calls.made, [1, 2])
  await calls.answer(2)
  deepEqual(calls.made, [1, 2, 3])
  await calls.answer(1)
  deepEqual(calls.made, [1, 2, 3, 4])
})

test('a call that fails is repeated after a time that doubles, and then fails its record', async () => {
  const calls = new Calls({ retries: 2, backoff: 100 }, { onError: 'skip' })
  calls.push(1, 2)
  await calls.answer(2)
  const madeAfter = (ms: number): number => {
    calls.run.advanceWallClock(ms)
    return calls.made.filter(value => value === 1).length
  }
  await calls.answer(1, new Error('busy'))
  deepEqual([madeAfter(99), madeAfter(1)], [1, 2])
  await calls.answer(1, new Error('busy'))
  deepEqual([madeAfter(199), madeAfter(1)], [2, 3])
  deepEqual(calls.results(), [])
  await calls.answer(1, new Error('busy'))
  deepEqual(calls.results(), [20])
  equal(calls.run.metrics.dropped.failed, 1)
})

test('a call that takes too long has failed, and its answer does not count', async () => {
  const calls = new Calls({ timeout: 50, retries: 1, backoff: 10 }, { onError: 'skip' })
  calls.push(1)
  calls.run.advanceWallClock(49)
  equal(calls.made.length, 1)
  calls.run.advanceWallClock(1)
  // The first answer: of a call that was given up.
  await calls.answer(1)
  deepEqual(calls.results(), [])
  calls.run.advanceWallClock(10)
  equal(calls.made.length, 2)
  await calls.answer(1)
  deepEqual(calls.results(), [10])
})

test('a function may throw, or return no promise; a failure ends a run without a policy', async () => {
  const app = new App('app')
  app
    .stream(input)
    .mapAsync((value): number => {
      if (value === 2) throw new Error('no two')
      return (value ?? 0) + 1
    })
    .to(output)
  const run = testApp(app)
  run.input(input).push({ key: 'a', value: 1 }, { key: 'a', value: 2 })
  await rejects(run.settled(), { code: 'USER_FUNCTION_FAILED', message: /map-async-1.*no two/ })
  deepEqual(valuesOf(run, output), [2])
})

test('the watermark does not pass a record that waits', async () => {
  const app = new App('app')
  let answer = (_value: number): void => {}
  app
    .stream(input)
    .mapAsync(value => (value === 1 ? new Promise<number>(resolve => (answer = resolve)) : (value ?? 0)), {
      ordered: false,
    })
    .groupByKey()
    .windowedBy(tumbling(10))
    .reduce((a, b) => a + b)
    .emit('final')
    .to(windows)
  const run = testApp(app)
  run.input(input).push({ key: 'a', value: 1, timestamp: 5 }, { key: 'a', value: 2, timestamp: 25 })
  run.advanceTime(Number.POSITIVE_INFINITY)
  run.advanceWallClock(0)
  deepEqual(run.output(windows).read(), [])
  answer(1)
  await run.settled()
  deepEqual(
    run
      .output(windows)
      .read()
      .map(({ value, timestamp }) => [value, timestamp]),
    [
      [1, 9],
      [2, 29],
    ],
  )
  equal(run.metrics.dropped.late, 0)
})

test('results of windows are not late for windows behind a call', async () => {
  const app = new App('app')
  app
    .stream(input)
    .groupByKey()
    .windowedBy(tumbling(10))
    .reduce((a, b) => a + b)
    .emit('final')
    .toStream()
    .mapAsync(async sum => sum ?? 0)
    .map((sum, { key }) => [key, sum])
    .groupByKey()
    .windowedBy(tumbling(20))
    .reduce((a, b) => a + b)
    .emit('final')
    .to(windows)
  const run = testApp(app)
  run.input(input).push({ key: 'a', value: 1, timestamp: 5 }, { key: 'a', value: 2, timestamp: 15 })
  run.advanceTime(100)
  await run.settled()
  deepEqual(valuesOf(run, windows), [3])
})

test('mapAsync refuses what is not a function, and options that it does not know', () => {
  const stream = new App('app').stream(input)
  throws(() => stream.mapAsync('find' as never), { code: 'INVALID_ARGUMENT', message: /mapper of mapAsync/ })
  throws(() => stream.mapAsync(() => 1, { capacity: 0 }), { code: 'INVALID_ARGUMENT', message: /'capacity'/ })
  throws(() => stream.mapAsync(() => 1, { retris: 1 } as never), {
    code: 'INVALID_ARGUMENT',
    message: /'retries'/,
  })
  throws(() => stream.mapAsync(() => 1, { timeout: 'soon' as never }), { code: 'INVALID_DURATION' })
  throws(() => stream.mapAsync(() => 1, { timeout: 0 }), {
    code: 'INVALID_ARGUMENT',
    message: /timeout of mapAsync/,
  })
})
