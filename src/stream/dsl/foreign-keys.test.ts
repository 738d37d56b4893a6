/** Joins of tables by foreign key in programs: what meets, what comes out, what is refused. */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../schema/index.ts'
import { testApp } from '../../testing/test-app.ts'
import { App } from './app.ts'
import { tumbling } from './windows.ts'

interface Employee {
  readonly name: string
  readonly boss?: string | null
}

const employees = topic('employees', { key: text(), value: json<Employee>() })
const orders = topic('orders', { key: text(), value: json<{ customer: number; product: string }>() })
const customers = topic('customers', { key: json<number>(), value: text() })
const products = topic('products', { key: text(), value: text() })
const output = topic('output', { key: json<unknown>(), value: json<unknown>() })

function written(run: ReturnType<typeof testApp>): string[] {
  return run
    .output(output)
    .read()
    .map(({ key, value, timestamp }) => `${String(key)} ${JSON.stringify(value)} @${timestamp}`)
}

test('a row whose key is an empty text hears of each change of the row that it refers to', () => {
  const app = new App('app')
  app
    .table(employees)
    .join(
      app.table(products),
      ({ boss }) => boss,
      ({ name }, product) => `${name} ${product}`,
    )
    .to(output)
  const run = testApp(app)
  run.input(products).push({ key: 'a', value: 'apple', timestamp: 1 })
  run.input(employees).push({ key: '', value: { name: 'Ada', boss: 'a' }, timestamp: 2 })
  run.input(products).push({ key: 'a', value: 'pear', timestamp: 3 }, { key: 'a', value: null, timestamp: 4 })
  deepEqual(written(run), [' "Ada apple" @2', ' "Ada pear" @3', ' null @4'])
})

test('a table joined to itself: employees and their bosses', () => {
  const app = new App('app')
  const table = app.table(employees)
  table
    .leftJoin(
      table,
      ({ boss }) => boss,
      ({ name }, boss, key) => `${key} ${name} ${boss?.name ?? 'none'}`,
    )
    .to(output)
  const run = testApp(app)
  run
    .input(employees)
    .push(
      { key: 'a', value: { name: 'Ada' }, timestamp: 1 },
      { key: 'b', value: { name: 'Bob', boss: 'a' }, timestamp: 2 },
      { key: 'c', value: { name: 'Cy', boss: 'a' }, timestamp: 3 },
      { key: 'a', value: { name: 'Ann', boss: null }, timestamp: 4 },
      { key: 'c', value: { name: 'Cy', boss: 'b' }, timestamp: 5 },
      { key: 'a', value: null, timestamp: 6 },
    )
  deepEqual(written(run), [
    'a "a Ada none" @1',
    'b "b Bob Ada" @2',
    'c "c Cy Ada" @3',
    'a "a Ann none" @4',
    'b "b Bob Ann" @4',
    'c "c Cy Ann" @4',
    'c "c Cy Bob" @5',
    'a null @6',
    'b "b Bob none" @6',
  ])
})

test('one join after the other, with keys in any form; a stream joins the rows; their state has names', () => {
  const app = new App('app')
  const named = app
    .table(orders)
    .join(
      app.table(customers),
      ({ customer }) => customer,
      (order, customer) => ({ ...order, name: customer }),
      { name: 'with-name', version: 2 },
    )
    .join(
      app.table(products),
      ({ product }) => product,
      ({ name }, product) => `${name} ${product}`,
      { name: 'with-product' },
    )
  app
    .stream(topic('questions', { key: text(), value: text() }))
    .join(named, (question, answer) => `${question}: ${answer}`)
    .to(output)
  const states = app
    .plan()
    .stages.flatMap(({ nodes }) => nodes)
    .flatMap(node =>
      node.kind === 'operator' && node.stateful ? [`${node.name} ${node.stores.version}`] : [],
    )
  deepEqual(states.filter(name => name.startsWith('with-')).toSorted(), [
    'with-name 2',
    'with-name-answers 2',
    'with-product undefined',
    'with-product-answers undefined',
  ])
  const run = testApp(app)
  run.input(orders).push({ key: 'o', value: { customer: 7, product: 'p' } })
  run.input(products).push({ key: 'p', value: 'lamp' })
  const questions = topic('questions', { key: text(), value: text() })
  run.input(questions).push({ key: 'o', value: 'too early' })
  run.input(customers).push({ key: 7, value: 'Ada' })
  run.input(questions).push({ key: 'o', value: 'what' })
  deepEqual(written(run), ['o "what: Ada lamp" @0'])
})

test('results of windows, whose rows are not kept elsewhere, can be joined', () => {
  const app = new App('app')
  const counts = app.stream(products).groupByKey().windowedBy(tumbling(10)).count().emit('changes')
  counts
    .join(
      app.table(employees),
      (_count, { key }) => key,
      (count, { name }) => `${name} ${count}`,
    )
    .toStream(({ key, start }) => `${key}${start}`)
    .to(output)
  const run = testApp(app)
  run.input(employees).push({ key: 'p', value: { name: 'Pat' }, timestamp: 3 })
  run.input(products).push({ key: 'p', value: 'x', timestamp: 1 }, { key: 'p', value: 'x', timestamp: 2 })
  deepEqual(written(run), ['p0 "Pat 1" @3', 'p0 "Pat 2" @3'])
})

test('a row without a foreign key is counted by an inner join, and joined to null by a left one', () => {
  const app = new App('app')
  const table = app.table(employees)
  table
    .join(
      table,
      ({ boss }) => boss,
      () => 'inner',
    )
    .to(output)
  table
    .leftJoin(
      table,
      ({ boss }) => boss,
      (_, boss) => boss,
    )
    .to(topic('left', { key: text(), value: json<Employee>() }))
  const run = testApp(app)
  run.input(employees).push({ key: 'a', value: { name: 'Ada', boss: null } })
  deepEqual(written(run), [])
  equal(run.metrics.dropped['null-key'], 1)
})

test('a table that was joined by foreign key meets its own rows again', () => {
  const app = new App('app')
  const table = app.table(employees)
  const bosses = table.join(
    table,
    ({ boss }) => boss,
    (_, { name }) => name,
  )
  table.join(bosses, ({ name }, boss) => `${name} ${boss}`).to(output)
  const run = testApp(app)
  run
    .input(employees)
    .push({ key: 'a', value: { name: 'Ada' } }, { key: 'b', value: { name: 'Bob', boss: 'a' } })
  deepEqual(written(run), ['b "Bob Ada" @0'])
})
