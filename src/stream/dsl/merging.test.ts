/** merge, split and deduplicate as a program uses them: keys, exchanges, plans, counts. */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../schema/index.ts'
import { testApp } from '../../testing/test-app.ts'
import { App } from './app.ts'
import { session, tumbling } from './windows.ts'

const left = topic('left', { key: text(), value: json<number>() })
const right = topic('right', { key: text(), value: json<number>() })
const quoted = topic('quoted', { key: json<string>(), value: json<string>() })
const counts = topic('counts', { key: json<unknown>(), value: json<unknown>() })
const output = topic('output', { key: json<unknown>(), value: json<unknown>() })
const inWindows = topic('windows', { key: json<unknown>(), value: json<unknown>() })

/** The output of a run, as `key value`. */
function written(run: ReturnType<typeof testApp>, to = output): string[] {
  return run
    .output(to)
    .read()
    .map(({ key, value }) => `${JSON.stringify(key)} ${JSON.stringify(value)}`)
}

test('merged streams are counted together, without an exchange if their keys have one form', () => {
  const app = new App('app')
  app.stream(left).merge(app.stream(right), { name: 'both' }).groupByKey().count().to(counts)
  equal(app.plan().stages.length, 1)
  equal(app.describe().includes('both: merge ← left, right'), true)
  const run = testApp(app)
  run.input(left).push({ key: 'a', value: 1 })
  run.input(right).push({ key: 'a', value: 1 }, { key: 'b', value: 1 })
  deepEqual(written(run, counts), ['"a" 1', '"a" 2', '"b" 1'])
})

test('equal keys in two forms are one key after a merge, also if an operator has asked for their bytes', () => {
  const app = new App('app')
  const stream = app.stream(left)
  stream
    .groupByKey()
    .count()
    .to(topic('before', { key: text(), value: json<number>() }))
  stream.merge(app.stream(quoted)).groupByKey().count().to(counts)
  equal(app.plan().stages.length, 2)
  const run = testApp(app)
  run.input(left).push({ key: 'a', value: 1 })
  run.input(quoted).push({ key: 'a', value: 'x' })
  deepEqual(written(run, counts), ['"a" 1', '"a" 2'])
})

test('a stream whose key was changed goes to branches that need its keys in different forms', () => {
  const app = new App('app')
  const moved = app.stream(left).selectKey((_, key) => key)
  moved.groupByKey().count().to(output)
  moved.merge(app.stream(right)).groupByKey().count().to(counts)
  moved
    .groupByKey()
    .windowedBy(tumbling(10))
    .count()
    .emit('final')
    .toStream(({ key }) => key)
    .to(inWindows)
  const run = testApp(app)
  run.input(left).push({ key: 'a', value: 1, timestamp: 5 })
  run.input(right).push({ key: 'a', value: 1, timestamp: 5 })
  deepEqual(written(run), ['"a" 1'])
  deepEqual(written(run, counts), ['"a" 1', '"a" 2'])
  run.advanceTime(Infinity)
  deepEqual(written(run, inWindows), ['"a" 1'])
})

test('a stream whose key was changed meets one whose key was not through an exchange; records without a key too', () => {
  const app = new App('app')
  const moved = app.stream(right).selectKey(n => (n === 0 ? null : `k${n}`))
  const merged = app.stream(left).merge(moved)
  merged.to(output)
  merged.groupByKey().count().to(counts)
  equal(app.plan().stages.length, 2)
  const run = testApp(app)
  run.input(left).push({ key: 'k1', value: 5 })
  run.input(right).push({ key: 'x', value: 1 }, { key: 'x', value: 0 })
  deepEqual(written(run), ['"k1" 5', '"k1" 1', 'null 0'])
  deepEqual(written(run, counts), ['"k1" 1', '"k1" 2'])
  equal(run.metrics.dropped['null-key'], 1)
})

test('streams whose keys were all changed are merged before one exchange', () => {
  const app = new App('app')
  const stream = app.stream(left)
  stream
    .selectKey(n => n)
    .merge(stream.selectKey(n => -(n ?? 0)))
    .groupByKey()
    .count()
    .to(counts)
  equal(app.plan().stages.length, 2)
  const run = testApp(app)
  run.input(left).push({ key: 'a', value: 1 })
  deepEqual(written(run, counts), ['1 1', '-1 1'])
})

test('a stream is merged with itself under other keys', () => {
  const app = new App('app')
  const stream = app.stream(left)
  stream.merge(stream.selectKey(n => `${n}`)).to(output)
  const run = testApp(app)
  run.input(left).push({ key: 'a', value: 1 })
  deepEqual(written(run).toSorted(), ['"1" 1', '"a" 1'])
})

test('the inputs of a merge decide the lateness after it', () => {
  const app = new App('app')
  const windows = app
    .stream(left)
    .groupByKey()
    .windowedBy(tumbling(10, { allowedLateness: 20 }))
  const results = windows
    .count()
    .emit('final')
    .toStream(({ key }) => key)
  const moved = app.stream(right).selectKey((_, key) => key ?? '')
  throws(() => moved.merge(results).groupByKey().windowedBy(tumbling(100)).count(), {
    code: 'LATENESS_SHRINKS',
    message: /allowedLateness: '20ms'/,
  })
})

test('after a merge, keys come from several partitions: a session judges a late record by its own time', () => {
  for (const [isMerged, late] of [
    [true, 1],
    [false, 0],
  ] as const) {
    const app = new App('app')
    const stream = app.stream(left)
    const read = isMerged ? stream.merge(app.stream(right)) : stream
    read.groupByKey().windowedBy(session(10)).count().emit('final').to(counts)
    const run = testApp(app)
    for (const timestamp of [100, 105, 97]) run.input(left).push({ key: 'a', value: 1, timestamp })
    equal(run.metrics.dropped.late, late)
  }
})

test('the branches of a split are streams by name', () => {
  const app = new App('app')
  const { large, small, none } = app
    .stream(left)
    .split({ large: n => (n ?? 0) > 10, none: n => n === null }, { rest: 'small', name: 'by-size' })
  large.mapValues(n => `large ${n}`).to(output)
  small.mapValues(n => `small ${n}`).to(output)
  none.mapValues(() => 'none').to(output)
  equal(app.describe().includes('map-values-1: map-values ← by-size.large'), true)
  const run = testApp(app)
  run.input(left).push({ key: 'a', value: 11 }, { key: 'a', value: 1 }, { key: 'a', value: null })
  deepEqual(written(run), ['"a" "large 11"', '"a" "small 1"', '"a" "none"'])
})

test('records that no branch of a split takes are counted', () => {
  const app = new App('app')
  app
    .stream(left)
    .split({ large: n => (n ?? 0) > 10 })
    .large.to(counts)
  const run = testApp(app)
  run.input(left).push({ key: 'a', value: 11 }, { key: 'a', value: 1 })
  deepEqual(written(run, counts), ['"a" 11'])
  equal(run.metrics.dropped.unmatched, 1)
})

test('duplicates are found by a made key, behind an exchange, and counted', () => {
  const app = new App('app')
  app
    .stream(left)
    .selectKey(n => n)
    .deduplicate('10s', { name: 'once' })
    .to(output)
  equal(app.plan().stages.length, 2)
  equal(app.describe().includes('once: deduplicate within 10s'), true)
  const run = testApp(app)
  const records = [1, 2, 1, null].map((value, n) => ({ key: `${n}`, value, timestamp: n }))
  run.input(left).push(...records, { key: 'x', value: 1, timestamp: 10_000 })
  run.advanceTime(10_001)
  run.input(left).push({ key: 'x', value: 3, timestamp: 10_000 })
  deepEqual(written(run), ['1 1', '2 2', '1 1'])
  const { duplicate, late, 'null-key': keyless } = run.metrics.dropped
  deepEqual([duplicate, late, keyless], [1, 1, 1])
})

test('what comes too late for deduplicate is in its side output, under its key', () => {
  const app = new App('app')
  const once = app
    .stream(left)
    .selectKey(n => n)
    .deduplicate(10)
  once.to(output)
  once.late().to(counts)
  equal(once.late(), once.late())
  const run = testApp(app)
  run.input(left).push({ key: 'x', value: 1, timestamp: 50 }, { key: 'x', value: 2, timestamp: 49 })
  deepEqual([written(run), written(run, counts)], [['1 1'], ['2 2']])
  deepEqual([run.metrics.dropped.late, run.metrics.sideOutput.late], [0, 1])
})

test('refuses duplicates among results that may be corrected, and leaves the app unchanged', () => {
  const app = new App('app')
  const results = app
    .stream(left)
    .groupByKey()
    .windowedBy(tumbling(10, { allowedLateness: 20 }))
    .count()
    .emit('final')
    .toStream(({ key }) => key)
  const before = app.describe()
  throws(() => results.deduplicate(10), { code: 'LATENESS_SHRINKS', message: /'deduplicate within 10ms'/ })
  equal(app.describe(), before)
  results.deduplicate(10, { allowedLateness: 20 })
})
