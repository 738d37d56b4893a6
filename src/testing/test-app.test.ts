/** The promises of `testApp` itself; examples/delays.test.ts shows it at work. */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, json, text, topic, windowed } from '../schema/index.ts'
import { App, session } from '../stream/index.ts'
import { testApp } from './test-app.ts'

const words = topic('words', { key: text(), value: text() })
const counts = topic('counts', { key: text(), value: json<number>() })

function lengths(onError?: 'skip') {
  const app = new App('lengths')
  const input = topic('words', { key: text(), value: text(), ...(onError && { onError }) })
  app
    .stream(input)
    .mapValues(word => {
      if (word === '') throw new Error('an empty word')
      return word?.length ?? 0
    })
    .to(counts)
  return app
}

test('results come as they would be on the topic, and are read once', () => {
  const run = testApp(lengths())
  run.input(words).push({ key: 'a', value: 'one', timestamp: 5 }, { key: 'b', value: 'three' })
  run.advanceWallClock(40)
  run.input(words).push({ key: 'c', value: 'four' })
  deepEqual(run.output(counts).read(), [
    { key: 'a', value: 3, timestamp: 5 },
    { key: 'b', value: 5, timestamp: 0 },
    { key: 'c', value: 4, timestamp: 40 },
  ])
  deepEqual(run.output(counts).read(), [])
  equal(run.metrics.records, 3)
})

test('names a topic that the app does not know', () => {
  const run = testApp(lengths())
  throws(() => run.input(counts), { code: 'UNKNOWN_TOPIC' })
  throws(() => run.output(words), { code: 'UNKNOWN_TOPIC' })
})

test('a bad record fails the push or is counted, by the policy of the topic or the test', () => {
  const raw = topic('words', { key: text(), value: bytes() })
  const failing = testApp(lengths())
  throws(() => failing.input(words).push({ key: 'a', value: '' }), { code: 'USER_FUNCTION_FAILED' })
  throws(() => failing.input(raw).push({ key: 'a', value: Uint8Array.of(0xff) }), {
    code: 'MALFORMED_RECORD',
  })

  for (const run of [testApp(lengths('skip')), testApp(lengths(), { onError: 'skip' })]) {
    run.input(words).push({ key: 'a', value: '' }, { key: 'b', value: 'fine' })
    run.input(raw).push({ key: 'a', value: Uint8Array.of(0xff) })
    deepEqual(
      run
        .output(counts)
        .read()
        .map(({ value }) => value),
      [4],
    )
    deepEqual([run.metrics.dropped.failed, run.metrics.dropped.malformed], [1, 1])
  }
})

test('runs stages after an exchange, tables and sessions', () => {
  const app = new App('letters')
  const byLetter = topic('by-letter', { key: text(), value: json<number>() })
  const bursts = topic('bursts', { key: windowed(text()), value: json<number>() })
  const letters = app.stream(words).groupBy(word => word[0] ?? '')
  letters.count().to(byLetter)
  letters.windowedBy(session(10)).count().emit('final').to(bursts)
  const run = testApp(app)
  run
    .input(words)
    .push(
      { key: 'x', value: 'apple', timestamp: 0 },
      { key: 'y', value: 'apricot', timestamp: 8 },
      { key: 'x', value: 'banana', timestamp: 9 },
      { key: 'x', value: 'avocado', timestamp: 30 },
    )
  run.advanceTime(Infinity)
  deepEqual(
    run
      .output(byLetter)
      .read()
      .map(({ key, value }) => [key, value]),
    [
      ['a', 1],
      ['a', 2],
      ['b', 1],
      ['a', 3],
    ],
  )
  deepEqual(
    run
      .output(bursts)
      .read()
      .map(({ key, value, timestamp, pane }) => [key, value, timestamp, pane]),
    [
      [{ key: 'a', start: 0, end: 18 }, 2, 18, 'on-time'],
      [{ key: 'b', start: 9, end: 19 }, 1, 19, 'on-time'],
      [{ key: 'a', start: 30, end: 40 }, 1, 40, 'on-time'],
    ],
  )
})

test('operators take a record in the order in which they were declared', () => {
  const app = new App('order')
  const joined = topic('joined', { key: text(), value: text() })
  const stream = app.stream(words)
  // The table knows the record before the join asks, as in Kafka Streams.
  stream.join(stream.toTable(), (word, latest) => `${word} ${latest}`).to(joined)
  const run = testApp(app)
  run.input(words).push({ key: 'k', value: 'a' }, { key: 'k', value: 'b' })
  deepEqual(
    run
      .output(joined)
      .read()
      .map(({ value }) => value),
    ['a a', 'b b'],
  )
})

for (const [name, slip, about] of [
  ['no app', () => testApp(undefined as never), /testApp needs an app.*undefined/],
  ['the name of an app', () => testApp('lengths' as never), /testApp needs an app.*'lengths'/],
  ['an unknown option', () => testApp(lengths(), { onErorr: 'skip' } as never), /'onErorr'.*'onError'/],
  ['an unknown policy', () => testApp(lengths(), { onError: 'ignore' as never }), /onError.*ignore/],
  ['text for an input', () => testApp(lengths()).input('words' as never), /input takes a topic.*'words'/],
  ['text for an output', () => testApp(lengths()).output('counts' as never), /output takes a topic/],
  ['a bare value', () => push('a'), /records \{ key, value, timestamp \}.*'a'/],
  ['an unknown field', () => push({ key: 'a', valeu: 'b' }), /'valeu'.*'value'/],
  ['no value', () => push({ key: 'a' }), /value of a record of 'words' is missing.*null/],
  ['a time that is text', () => push({ key: 'a', value: 'b', timestamp: '2001' }), /timestamp.*'2001'/],
  ['a time that is not a number', () => push({ key: 'a', value: 'b', timestamp: Number.NaN }), /NaN/],
  ['a date for a time', () => testApp(lengths()).advanceTime(new Date() as never), /advanceTime.*a Date/],
  ['no time', () => testApp(lengths()).advanceTime(Number.NaN), /advanceTime.*NaN/],
  ['time that goes back', () => testApp(lengths()).advanceWallClock(-1), /advanceWallClock.*-1/],
  ['a duration in words', () => testApp(lengths()).advanceWallClock('1s' as never), /advanceWallClock.*'1s'/],
] as const)
  test(`testApp refuses ${name}`, () => {
    throws(slip, { name: 'MillraceError', code: 'INVALID_ARGUMENT', message: about })
  })

function push(record: unknown): void {
  testApp(lengths())
    .input(topic('words', { key: text(), value: text() }))
    .push(record as never)
}
