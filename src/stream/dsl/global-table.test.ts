/** Global tables in programs: joins by any key, and what is refused. */
import { deepEqual, equal, match, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../schema/index.ts'
import { testApp } from '../../testing/test-app.ts'
import { App } from './app.ts'

const orders = topic('orders', { key: text(), value: json<{ readonly city: number | null }>() })
const cities = topic('cities', { key: json<number>(), value: text() })
const output = topic('output', { key: text(), value: json<unknown>() })

test('a stream is joined by any key, keeps its own, and sees the rows as they are then', () => {
  const app = new App('app')
  const table = app.globalTable(cities)
  equal(app.globalTable(cities), table)
  const stream = app.stream(orders)
  stream
    .join(
      table,
      ({ city }) => city,
      (_, name, key) => `inner ${key} ${name}`,
    )
    .to(output)
  stream
    .leftJoin(
      table,
      ({ city }, _key, { timestamp }) => (timestamp > 5 ? null : city),
      (_, name) => name,
    )
    .groupByKey()
    .count()
    .to(topic('counts', { key: text(), value: json<number>() }))
  // No exchange: the keys of the stream stay.
  equal(app.plan().stages.length, 1)
  for (const format of ['text', 'mermaid'] as const)
    match(app.describe(format), /global table of topic cities/)
  deepEqual(JSON.parse(app.describe('json')).globals, ['cities'])
  const run = testApp(app)
  const push = (city: number | null): void => run.input(orders).push({ key: 'a', value: { city } })
  push(1)
  run.input(cities).push({ key: 1, value: 'one' }, { key: 2, value: 'two' })
  push(1)
  run.input(cities).push({ key: 1, value: null })
  push(1)
  push(2)
  push(null)
  deepEqual(
    run
      .output(output)
      .read()
      .map(({ value }) => value),
    ['inner a one', 'inner a two'],
  )
  equal(run.metrics.dropped['null-key'], 1)
})

test('a topic may be a global table and a stream, by one declaration', () => {
  const app = new App('app')
  app
    .stream(orders)
    .join(
      app.globalTable(orders),
      (_, key) => key,
      (one, { city }) => [one.city, city],
    )
    .to(output)
  const run = testApp(app)
  run.input(orders).push({ key: 'a', value: { city: 1 } }, { key: 'a', value: { city: 2 } })
  deepEqual(
    run
      .output(output)
      .read()
      .map(({ value }) => value),
    [
      [1, 1],
      [2, 2],
    ],
  )
  const again = topic('orders', { key: text(), value: json<{ readonly city: number | null }>() })
  throws(() => app.globalTable(again), { code: 'INVALID_TOPOLOGY', message: /declare it once/ })
  const late = new App('app')
  late.globalTable(orders)
  throws(() => late.stream(again), { code: 'INVALID_TOPOLOGY', message: /declare it once/ })
})

test('a global table belongs to its app', () => {
  const table = new App('app').globalTable(cities)
  const other = new App('other').stream(orders)
  throws(
    () =>
      other.join(
        table,
        order => order.city,
        () => 1,
      ),
    { code: 'INVALID_ARGUMENT', message: /own app/ },
  )
  throws(() => other.join(table as never, 'city' as never), { message: /keyOf of join of a global table/ })
})

test('a key that the topic of the table cannot have is refused with the advice for it', () => {
  const named = topic('named', { key: text(), value: text() })
  const byNumber = (): string => 7 as unknown as string
  for (const join of [
    (app: App) => app.stream(orders).join(app.globalTable(named), byNumber, () => 1),
    (app: App) =>
      app
        .table(orders)
        .join(app.table(named), byNumber, () => 1)
        .toStream(),
    (app: App) =>
      app
        .stream(orders)
        .selectKey(byNumber)
        .join(app.table(named), () => 1),
  ]) {
    const app = new App('app')
    join(app).to(output)
    throws(
      () =>
        testApp(app)
          .input(orders)
          .push({ key: 'a', value: { city: 1 } }),
      {
        code: 'USER_FUNCTION_FAILED',
        message: /7 cannot be the key of topic 'named'.*must be as the topic has them/,
      },
    )
  }
})
