/** Cogroups as a program uses them: over windows or none, keys of several forms, late records. */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../schema/index.ts'
import { testApp } from '../../testing/test-app.ts'
import { App } from './app.ts'
import type { Stream } from './stream.ts'
import { session, sliding, tumbling } from './windows.ts'

const watermark = { outOfOrderness: 0 }
const orders = topic('orders', { key: text(), value: json<number>(), watermark })
const payments = topic('payments', { key: text(), value: json<string>(), watermark })
const output = topic('output', { key: json<unknown>(), value: json<unknown>() })
const lateOutput = topic('late', { key: text(), value: json<unknown>() })

interface Account {
  readonly ordered: number
  readonly paid: string
}
const order = (account: Account, cents: number): Account => ({ ...account, ordered: account.ordered + cents })
const payment = (account: Account, how: string): Account => ({ ...account, paid: account.paid + how })
const both = (a: Account, b: Account): Account => ({ ordered: a.ordered + b.ordered, paid: a.paid + b.paid })
const none: Account = { ordered: 0, paid: '' }

const cogrouped = (app: App) =>
  app.stream(orders).groupByKey().cogroup(order).cogroup(app.stream(payments).groupByKey(), payment)

/** Two orders and two payments, interleaved, then the end of time. */
function resultsOf(app: App): string[] {
  const run = testApp(app)
  run.input(orders).push({ key: 'a', value: 5, timestamp: 1 })
  run.input(payments).push({ key: 'a', value: 'x', timestamp: 2 })
  run.input(orders).push({ key: 'a', value: 7, timestamp: 12 })
  run.input(payments).push({ key: 'b', value: 'y', timestamp: 13 })
  run.advanceTime(Number.POSITIVE_INFINITY)
  return run
    .output(output)
    .read()
    .map(({ key, value }) => `${JSON.stringify(key)} ${JSON.stringify(value)}`)
}

test('a stream that is in a cogroup twice is added in the order of its functions', () => {
  const app = new App('app')
  const grouped = app.stream(payments).groupByKey()
  const how = (all: string, each: string): string => all + each
  grouped
    .cogroup(how)
    .cogroup(grouped, (all, each) => `${all}(${each})`)
    .aggregate('')
    .to(output)
  const run = testApp(app)
  run.input(payments).push({ key: 'a', value: 'x' }, { key: 'a', value: 'y' })
  deepEqual(
    run
      .output(output)
      .read()
      .map(({ value }) => value),
    ['x', 'x(x)', 'x(x)y', 'x(x)y(y)'],
  )
})

test('streams share one row for each key, in one stage', () => {
  const app = new App('app')
  cogrouped(app).aggregate(none, { name: 'accounts' }).to(output)
  equal(app.plan().stages.length, 1)
  deepEqual(resultsOf(app), [
    '"a" {"ordered":5,"paid":""}',
    '"a" {"ordered":5,"paid":"x"}',
    '"a" {"ordered":12,"paid":"x"}',
    '"b" {"ordered":0,"paid":"y"}',
  ])
})

test('streams share the windows of each kind', () => {
  const finals = (
    windowed: (app: App) => { emit: (policy: 'final') => { to: (to: typeof output) => void } },
  ) => {
    const app = new App('app')
    windowed(app).emit('final').to(output)
    return resultsOf(app)
  }
  deepEqual(
    finals(app => cogrouped(app).windowedBy(tumbling(10)).aggregate(none)),
    [
      '{"end":10,"key":"a","start":0} {"ordered":5,"paid":"x"}',
      '{"end":20,"key":"a","start":10} {"ordered":7,"paid":""}',
      '{"end":20,"key":"b","start":10} {"ordered":0,"paid":"y"}',
    ],
  )
  deepEqual(
    finals(app => cogrouped(app).windowedBy(session(10)).aggregate(none, both)),
    [
      '{"end":22,"key":"a","start":1} {"ordered":12,"paid":"x"}',
      '{"end":23,"key":"b","start":13} {"ordered":0,"paid":"y"}',
    ],
  )
  deepEqual(
    finals(app => cogrouped(app).windowedBy(sliding(5)).aggregate(none)).filter(each =>
      each.startsWith('{"end":2,'),
    ),
    ['{"end":2,"key":"a","start":-3} {"ordered":5,"paid":"x"}'],
  )
})

test('a stream whose key was changed meets one whose key was not, with one exchange for each', () => {
  const app = new App('app')
  app
    .stream(orders)
    .groupByKey()
    .cogroup(order)
    .cogroup(
      app.stream(payments).groupBy((_, key) => key),
      payment,
    )
    .aggregate(none)
    .to(output)
  equal(app.plan().stages.length, 3)
  deepEqual(resultsOf(app).at(-2), '"a" {"ordered":12,"paid":"x"}')
})

test('late records of all streams are in one side output, under their keys', () => {
  const app = new App('app')
  const accounts = cogrouped(app).windowedBy(session(10)).aggregate(none, both)
  const late: Stream<string, number | string> = accounts.late()
  late.to(lateOutput)
  accounts.emit('final').to(output)
  const run = testApp(app)
  run.input(orders).push({ key: 'a', value: 5, timestamp: 100 }, { key: 'a', value: 6, timestamp: 99 })
  run.input(payments).push({ key: 'b', value: 'x', timestamp: 100 }, { key: 'b', value: 'y', timestamp: 50 })
  deepEqual(
    run
      .output(lateOutput)
      .read()
      .map(({ key, value }) => `${key} ${JSON.stringify(value)}`),
    ['a 6', 'b "y"'],
  )
})

test('a cogroup of windows asks the lateness of all its streams', () => {
  const app = new App('app')
  const hours = app
    .stream(payments)
    .groupByKey()
    .windowedBy(tumbling('1h', { allowedLateness: '5m' }))
    .count()
    .emit('final')
    .toStream(({ key }) => key)
  const counted = app
    .stream(orders)
    .groupByKey()
    .cogroup(order)
    .cogroup(hours.groupByKey(), account => account)
  const before = app.describe()
  throws(() => counted.windowedBy(tumbling('1d')).aggregate(none), { code: 'LATENESS_SHRINKS' })
  equal(app.describe(), before)
  counted.windowedBy(tumbling('1d', { allowedLateness: '5m' })).aggregate(none)
})
