/**
 * Headers: a record's headers go with every result of that record alone. Results of windows carry only how
 * they were produced; dead letters keep their record's headers.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import { App, type RunOptions, type Stream, tumbling } from '../../src/stream/index.ts'
import { type Incoming, type Outgoing, World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const output = topic('output', { key: json<unknown>(), value: json<unknown>(), partitions: 1 })

const records: readonly Incoming[] = [
  { key: 'k', value: 1, timestamp: 5, headers: { trace: 'one', empty: '' } },
  { key: 'k', value: 2, timestamp: 6 },
  { key: 'k', value: 3, timestamp: 207, headers: { trace: 'three' } },
]

async function headersOf(
  program: (numbers: Stream<string, number>) => void,
  options: RunOptions = {},
  given: readonly Incoming[] = records,
): Promise<Outgoing['headers'][]> {
  const world = await World.open()
  await world.write('input', given)
  const app = new App('app')
  program(app.stream(input) as Stream<string, number>)
  await world.run(app, { until: 'end', ...options })
  return (await world.read('output')).map(({ headers }) => headers)
}

const own = [{ trace: 'one', empty: '' }, {}, { trace: 'three' }]

for (const exchange of ['memory', 'topic'] as const) {
  test(`results of a single record keep its headers, also behind an exchange (${exchange})`, async () => {
    deepEqual(
      await headersOf(
        numbers =>
          numbers
            .filter(() => true)
            .mapValues(n => n + 1)
            .flatMap((n, key) => [[key, n]] as const)
            .selectKey((_, key) => `${key}${key}`)
            .groupByKey()
            .reduce((_, last) => last)
            .mapValues(n => n)
            .toStream()
            .to(output),
        { exchange },
      ),
      own,
    )
  })

  test(`results of windows have only the headers that say how they were produced, once (${exchange})`, async () => {
    deepEqual(
      await headersOf(
        numbers =>
          numbers
            .groupByKey()
            .windowedBy(tumbling(100, { allowedLateness: 1000 }))
            .count()
            .emit('final')
            .toStream(({ key }) => key)
            .toTable()
            .to(output),
        { exchange },
        [...records, { key: 'k', value: 4, timestamp: 7, headers: { trace: 'four' } }],
      ),
      // Of [0, 100) on time, of its correction, and of [200, 300).
      [{ 'millrace.pane': 'on-time' }, { 'millrace.pane': 'late' }, { 'millrace.pane': 'on-time' }],
    )
  })

  test(`late records keep their headers (${exchange})`, async () => {
    deepEqual(
      await headersOf(
        numbers =>
          numbers
            .groupBy((_, key) => key)
            .windowedBy(tumbling(100))
            .count()
            .late()
            .to(output),
        { exchange },
        [...records, { key: 'k', value: 4, timestamp: 7, headers: { trace: 'late' } }],
      ),
      [{ trace: 'late' }],
    )
  })

  test(`a dead letter has the headers of its record and of the failure, also behind an exchange (${exchange})`, async () => {
    const world = await World.open()
    await world.write('input', records)
    const app = new App('app')
    app
      .stream(input)
      .selectKey((_, key) => key)
      .groupByKey()
      .reduce((_, n) => {
        if (n === 3) throw new Error('no threes')
        return n
      })
      .to(output)
    await world.run(app, { until: 'end', exchange, onError: { deadLetter: 'letters' } })
    const [letter, ...others] = await world.read('letters')
    deepEqual(others, [])
    const { 'millrace.stack': stack = '', ...headers } = letter?.headers ?? {}
    ok(stack.includes('no threes'))
    deepEqual(headers, {
      trace: 'three',
      'millrace.reason': "operator 'reduce-1' failed: no threes",
      'millrace.topic': exchange === 'memory' ? 'input' : 'app-select-key-1-exchange-repartition',
      'millrace.partition': '0',
      'millrace.offset': '2',
    })
    equal(letter?.timestamp, 207)
  })
}

test('a dead letter that is replayed and fails again says where it failed last', async () => {
  const world = await World.open()
  await world.write('input', [
    { key: 'k', value: 'none', headers: { trace: 'one' } },
    { key: 'k', value: '{' },
  ])
  const app = (): App => {
    const made = new App('app')
    made.stream(input).to(output)
    return made
  }
  const options = { until: 'now', onError: { deadLetter: 'letters' } } as const
  await world.run(app(), options)
  const [first] = await world.read('letters')
  equal(first?.headers['millrace.offset'], '0')
  await world.write('input', [{ key: 'k', value: first?.value, headers: first?.headers ?? {} }])
  await world.run(app(), options)
  const letters = await world.read('letters')
  equal(letters.length, 3)
  deepEqual(
    [letters[2]?.value, letters[2]?.headers['trace'], letters[2]?.headers['millrace.offset']],
    ['none', 'one', '2'],
  )
})

test('copied results of another app keep the headers that say how they were produced', async () => {
  const counts = topic('counts', { key: windowed(text()), value: json<number>() })
  const world = await World.open()
  await world.write('input', records)
  const counting = new App('counting')
  counting.stream(input).groupByKey().windowedBy(tumbling(100)).count().emit('final').to(counts)
  await world.run(counting, { until: 'end' })
  const copying = new App('copying')
  copying.stream(counts).to(output)
  await world.run(copying, { until: 'end' })
  deepEqual(
    (await world.read('output')).map(({ headers, value }) => [value, headers]),
    [
      ['2', { 'millrace.pane': 'on-time' }],
      ['1', { 'millrace.pane': 'on-time' }],
    ],
  )
})

test('a record that waits for a match keeps its headers over a restart', async () => {
  const world = await World.open()
  await world.write('input', records)
  const appOf = (): App => {
    const app = new App('app')
    const numbers = app.stream(input)
    const none = numbers.filter(() => false)
    numbers.leftJoin(none, n => n, { within: 1000 }).to(output)
    return app
  }
  await world.run(appOf(), { until: 'now' })
  deepEqual(await world.read('output'), [])
  await world.run(appOf(), { until: 'end' })
  deepEqual(
    (await world.read('output')).map(({ headers }) => headers),
    own,
  )
})
