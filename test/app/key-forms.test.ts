/**
 * Equal keys in two forms, text and JSON, have different bytes and partitions. A join finds the row,
 * whichever client partitioned either side.
 */
import { deepEqual, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { partitionFor } from '../../src/base/index.ts'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import { App, type Stream, tumbling } from '../../src/stream/index.ts'
import { type Outgoing, World } from './world.ts'

const partitions = 3
const keys = Array.from('abcdefghijkl')
const facts = topic('facts', { key: text(), value: json<string>() })
const questions = topic('questions', { key: text(), value: json<string>() })
const output = topic('output', { key: text(), value: json<string>(), partitions: 1 })

/** One record per key, in the partition of the key as text. */
const perKey = (name: string) =>
  keys.map(key => ({
    key,
    value: JSON.stringify(`${name} ${key}`),
    partition: partitionFor(Buffer.from(key), partitions),
  }))

async function answersOf(app: App, exchange: 'memory' | 'topic'): Promise<unknown[]> {
  const world = await World.open()
  await world.write('facts', perKey('fact'), { partitions })
  await world.write('questions', [], { partitions })
  await world.run(app, { until: 'now', exchange })
  await world.write('questions', perKey('question'), { partitions })
  await world.run(app, { until: 'now', exchange })
  return (await world.read('output')).map(({ key, value }) => `${key}: ${JSON.parse(value ?? '')}`).sort()
}

const expected = keys.map(key => `${key}: question ${key}, fact ${key}`)
const answer = (question: string, fact: string): string => `${question}, ${fact}`

for (const exchange of ['memory', 'topic'] as const) {
  test(`a join finds the row of a table that a program keyed (${exchange})`, async () => {
    const app = new App('app')
    const table = app
      .stream(facts)
      .groupBy((_, key) => key)
      .reduce((_, fact) => fact)
    app.stream(questions).join(table, answer).to(output)
    deepEqual(await answersOf(app, exchange), expected)
  })

  test(`a join of a stream that a program keyed and grouped finds the row of a topic's table (${exchange})`, async () => {
    const app = new App('app')
    const moved = app.stream(questions).selectKey((_, key) => key)
    moved.groupByKey().count()
    moved.join(app.table(facts), answer).to(output)
    deepEqual(await answersOf(app, exchange), expected)
  })

  test(`a join matches windows that a program keyed and windows of a topic's records (${exchange})`, async () => {
    const app = new App('app')
    const table = app
      .stream(facts)
      .groupByKey()
      .windowedBy(tumbling(100))
      .reduce((_, fact) => fact)
      .toStream()
      .toTable()
    app
      .stream(questions)
      .selectKey((_, key) => ({ key, start: 0, end: 100 }))
      .join(table, (question, fact) => `${question}, ${fact}`)
      .selectKey((_, { key }) => key)
      .to(output)
    deepEqual(await answersOf(app, exchange), expected)
  })
}

test("a join matches a topic of windows and the windows of another topic's records", async () => {
  const world = await World.open()
  const windows = topic('windows', { key: windowed(text()), value: json<string>() })
  const app = new App('app')
  const table = app
    .stream(facts)
    .groupByKey()
    .windowedBy(tumbling(100))
    .reduce((_, fact) => fact)
    .toStream()
    .toTable()
  app
    .stream(windows)
    .join(table, answer)
    .selectKey((_, { key }) => key)
    .to(output)
  await world.write('facts', perKey('fact'), { partitions })
  await world.write('windows', [], { partitions })
  await world.run(app, { until: 'now' })
  await world.write(
    'windows',
    perKey('question').map(({ key, ...record }) => ({
      key: `{"key":"${key}","start":0,"end":100}`,
      ...record,
    })),
  )
  await world.run(app, { until: 'now' })
  deepEqual(
    (await world.read('output')).map(({ value }) => JSON.parse(value ?? '') as string).sort(),
    expected.map(row => row.slice(3)),
  )
})

/**
 * An app over two topics with different partition counts is refused with both counts and the fix. It runs
 * once the questions go through an exchange. Returns its output.
 */
async function fixedByExchange(
  connect: (app: App, asked: Stream<string | null, string | null>) => void,
): Promise<readonly Outgoing[]> {
  const world = await World.open()
  await world.write('facts', perKey('fact'), { partitions })
  await world.write(
    'questions',
    keys.map(key => ({ key, value: JSON.stringify(`question ${key}`) })),
    { partitions: 1 },
  )
  const appWith = (rekeyed: boolean): App => {
    const app = new App('app')
    const stream = app.stream(questions)
    connect(app, rekeyed ? stream.selectKey((_, key) => key) : stream)
    return app
  }
  await rejects(world.run(appWith(false), { until: 'now' }), {
    code: 'NOT_COPARTITIONED',
    message: /'questions' \(1 .*'facts' \(3\).*selectKey.*toStream/,
  })
  await world.run(appWith(true), { until: 'now' })
  return world.read('output')
}

test('a join of two topics with different partition counts is refused, and an exchange fixes it', async () => {
  const records = await fixedByExchange((app, asked) => asked.join(app.table(facts), answer).to(output))
  deepEqual(
    records.map(({ value }) => JSON.parse(value ?? '') as string).sort(),
    expected.map(row => row.slice(3)),
  )
})

test('a join of tables with different partition counts is refused, and an exchange fixes it', async () => {
  for (const isLeft of [true, false]) {
    const records = await fixedByExchange((app, asked) => {
      // As the message advises for tables, too: selectKey, and toTable.
      const [one, another] = [asked.toTable(), app.table(facts)]
      const joined = isLeft
        ? one.join(another, answer)
        : another.join(one, (fact, question) => answer(question, fact))
      joined.to(output)
    })
    deepEqual(
      records.map(({ value }) => JSON.parse(value ?? '') as string).sort(),
      expected.map(row => row.slice(3)),
    )
  }
})

test('a merge of two topics with different partition counts is refused, and an exchange fixes it', async () => {
  const records = await fixedByExchange((app, asked) =>
    app
      .stream(facts)
      .merge(asked)
      .groupByKey()
      .reduce((all, value) => `${all} ${value}`)
      .to(output),
  )
  const last = new Map(records.map(({ key, value }) => [key, JSON.parse(value ?? '') as string]))
  deepEqual(
    [...last.values()].map(value => value.split(' ').sort().join(' ')).sort(),
    keys.map(key => `fact ${key} question ${key}`.split(' ').sort().join(' ')).sort(),
  )
})
