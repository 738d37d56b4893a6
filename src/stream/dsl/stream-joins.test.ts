/** Joins of streams in programs: what comes out, how both sides meet, and what is too late. */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic, type Topic, windowed } from '../../schema/index.ts'
import { testApp } from '../../testing/test-app.ts'
import { App } from './app.ts'
import type { JoinedStream } from './stream-joins.ts'
import type { Stream } from './stream.ts'
import { session, tumbling } from './windows.ts'

const watermark = { outOfOrderness: 0 }
const orders = topic('orders', { key: text(), value: json<string>(), watermark })
const payments = topic('payments', { key: text(), value: json<string>(), watermark })
/** The same keys in another form. */
const refunds = topic('refunds', { key: json<string>(), value: json<string>(), watermark })
const output = topic('output', { key: json<unknown>(), value: json<unknown>() })

type Texts = Stream<string | null, string | null>
type Joined = JoinedStream<string | null, string, string | null, string | null>
type Given = readonly [to: Topic<string, string>, key: string | null, value: string, timestamp: number]

/** Pushes records into the topics of an app; the results, as `key value @timestamp`. */
function results(app: App, given: readonly Given[]): string[] {
  const run = testApp(app)
  for (const [to, key, value, timestamp] of given) run.input(to).push({ key, value, timestamp } as never)
  return run
    .output(output)
    .read()
    .map(({ key, value, timestamp }) => `${String(key)} ${String(value)} @${timestamp}`)
}

const pair = (left: string | null, right: string | null): string => `${left}${right}`
const options = { within: 10 }

const kinds: readonly (readonly [string, (left: Texts, right: Texts) => Joined, string[]])[] = [
  ['join', (left, right) => left.join(right, pair, options) as Joined, ['a op @7']],
  [
    'leftJoin',
    (left, right) => left.leftJoin(right, pair, options),
    ['a op @7', 'null knull @9', 'b qnull @30', 'c rnull @99'],
  ],
  [
    'outerJoin',
    (left, right) => left.outerJoin(right, pair, options),
    [
      'a op @7',
      'null knull @9',
      'null nullk @9',
      'b qnull @30',
      'b nullq @50',
      'c rnull @99',
      'c nullr @120',
    ],
  ],
]

const reKeyed = (stream: Texts): Texts => stream.selectKey((_, key) => key)
const asItIs = (stream: Texts): Texts => stream

for (const [kind, join, expected] of kinds)
  for (const [how, of, ofLeft, ofRight] of [
    ['with keys in one form', payments, asItIs, asItIs],
    ['with keys in two forms', refunds, asItIs, asItIs],
    ['with a changed key on the left', payments, reKeyed, asItIs],
    ['with a changed key on the right', payments, asItIs, reKeyed],
    ['with changed keys on both sides', refunds, reKeyed, reKeyed],
  ] as const)
    test(`${kind} of streams ${how}`, () => {
      const app = new App('app')
      join(ofLeft(app.stream(orders)), ofRight(app.stream(of))).to(output)
      const found = results(app, [
        [orders, 'a', 'o', 1],
        [of, 'a', 'p', 7],
        [orders, null, 'k', 9],
        [of, null, 'k', 9],
        [orders, 'b', 'q', 30],
        [of, 'b', 'q', 50],
        [orders, 'c', 'r', 99],
        [of, 'c', 'r', 120],
        [orders, 'd', 's', 1000],
        [of, 'd', 's', 1011],
      ])
      deepEqual(found, expected)
    })

test('the bounds of a join match, unless they are exclusive', () => {
  for (const [exclusive, expected] of [
    [undefined, ['ol @5', 'oh @25']],
    ['before', ['oh @25']],
    ['after', ['ol @5']],
    ['both', []],
  ] as const) {
    const app = new App('app')
    const bounds = { before: -5, after: 25, ...(exclusive && { exclusive }) }
    app
      .stream(orders)
      .join(app.stream(payments), pair, bounds)
      .selectKey(() => '')
      .to(output)
    const found = results(app, [
      [orders, 'a', 'o', 0],
      [payments, 'a', '-', 4],
      [payments, 'a', 'l', 5],
      [payments, 'a', 'h', 25],
      [payments, 'a', '-', 26],
    ])
    deepEqual(
      found,
      expected.map(row => ` ${row}`),
    )
  }
})

test('bounds are seen from a record of the left stream; one alone replaces that of within', () => {
  for (const [bounds, expected] of [
    [{ within: '10ms', before: 0 }, ['a oy @9']],
    [{ within: '10ms', after: '-1ms' }, ['a ox @5']],
    [{ before: '5ms', after: '0ms' }, ['a ox @5']],
  ] as const) {
    const app = new App('app')
    app.stream(orders).join(app.stream(payments), pair, bounds).to(output)
    const given: Given[] = [
      [payments, 'a', 'x', 0],
      [orders, 'a', 'o', 5],
      [payments, 'a', 'y', 9],
    ]
    deepEqual(results(app, given), expected)
  }
})

test('late records go to the side output of their stream, or are counted', () => {
  for (const isTaken of [false, true]) {
    const app = new App('app')
    const joined = app.stream(orders).leftJoin(app.stream(payments), pair, { within: 10, name: 'paid' })
    if (isTaken) {
      joined
        .lateLeft()
        .mapValues(value => `left ${value}`)
        .to(output)
      joined
        .lateRight()
        .selectKey((_, key) => key.length)
        .mapValues(value => `right ${value}`)
        .to(output)
      equal(joined.lateLeft(), joined.lateLeft())
    } else joined.to(output)
    const run = testApp(app)
    for (const [to, value, timestamp] of [
      [orders, 'o', 100],
      [payments, 'p', 100],
      [orders, 'late', 99],
      [payments, 'late', 99],
    ] as const)
      run.input(to).push({ key: 'a', value, timestamp })
    const found = run
      .output(output)
      .read()
      .map(({ key, value, timestamp }) => `${String(key)} ${String(value)} @${timestamp}`)
    deepEqual(found, isTaken ? ['a left late @99', '1 right late @99'] : ['a op @100'])
    equal(run.metrics.dropped.late, isTaken ? 0 : 2)
    equal(run.metrics.sideOutput.late, isTaken ? 2 : 0)
  }
})

test('the joiner gets the time of the pair, and the headers of the left record or of the only one', () => {
  const app = new App('app')
  app
    .stream(orders)
    .withHeaders(order => [{ key: 'of', value: `order ${order}` }])
    .outerJoin(
      app.stream(payments).withHeaders(payment => [{ key: 'of', value: `payment ${payment}` }]),
      (_order, _payment, _key, { timestamp, headers, pane }) =>
        `${headers.map(({ value }) => Buffer.from(value!).toString()).join(', ')} ${timestamp} ${pane}`,
      options,
    )
    .to(output)
  const found = results(app, [
    [payments, 'a', 'p', 1],
    [orders, 'a', 'o', 2],
    [orders, 'b', 'q', 20],
    [payments, 'b', 'r', 40],
    [orders, 'x', '', 1000],
    [payments, 'x', '', 1000],
  ])
  deepEqual(found, [
    'a order o 2 undefined @2',
    'b order q 20 undefined @20',
    'x order  1000 undefined @1000',
    'b payment r 40 undefined @40',
  ])
})

test('windows over a join must take what comes alone, as late as it comes', () => {
  const counts = topic('counts', { key: windowed(text()), value: json<number>() })
  const bounds = { before: 40, after: 30, allowedLateness: 5 }
  const joins = {
    join: (left: Texts, right: Texts) => left.join(right, pair, bounds),
    leftJoin: (left: Texts, right: Texts) => left.leftJoin(right, pair, bounds),
    outerJoin: (left: Texts, right: Texts) => left.outerJoin(right, pair, bounds),
  }
  const build = (kind: keyof typeof joins, allowedLateness: number): App => {
    const app = new App('app')
    const joined: Stream<string | null, string> = joins[kind](app.stream(orders), app.stream(payments))
    joined.groupByKey().windowedBy(tumbling(10, { allowedLateness })).count().emit('final').to(counts)
    return app
  }
  for (const [kind, needed] of [
    ['join', 5],
    ['leftJoin', 35],
    ['outerJoin', 45],
  ] as const) {
    throws(() => build(kind, needed - 1), { code: 'LATENESS_SHRINKS' })
    const run = testApp(build(kind, needed))
    for (const [to, timestamp] of [
      [orders, 100],
      [payments, 150],
      [orders, 1000],
      [payments, 1000],
      [orders, 2000],
      [payments, 2000],
    ] as const)
      run.input(to).push({ key: 'a', value: 'x', timestamp })
    equal(run.metrics.dropped.late, 0)
    const windows = run
      .output(counts)
      .read()
      .map(({ key, timestamp }) => `${key.start} @${timestamp}`)
    deepEqual(
      windows,
      {
        join: ['1000 @1009'],
        leftJoin: ['100 @109', '1000 @1009'],
        outerJoin: ['100 @109', '150 @159', '1000 @1009'],
      }[kind],
    )
  }
})

test('a stream can be joined to itself, under another key too', () => {
  const app = new App('app')
  const stream = app.stream(orders)
  stream.join(stream, pair, options).to(output)
  const byValue = stream.selectKey(order => order)
  byValue
    .join(
      stream.selectKey((_, key) => key),
      (one, two) => `key ${one}${two}`,
      options,
    )
    .to(output)
  const found = results(app, [
    [orders, 'a', 'o', 1],
    [orders, 'a', 'a', 2],
  ])
  deepEqual(
    found.toSorted(),
    ['a aa @2', 'a ao @2', 'a key aa @2', 'a key ao @2', 'a oa @2', 'a oo @1'].toSorted(),
  )
})

test('coGroup: both sides of each window, their pairs, and what is late', () => {
  const app = new App('app')
  const both = app.stream(orders).coGroup(app.stream(payments), tumbling(10, { allowedLateness: 5 }))
  const to = (stream: Stream<unknown, string>, kind: string): void => stream.selectKey(() => kind).to(output)
  to(
    both
      .emit('final')
      .mapValues(({ left, right }) => `${left.join('')}/${right.join('')}`)
      .toStream() as never,
    'sides',
  )
  to(
    both.join((order, payment, { key, start }, { pane }) => `${key}${start}${order}${payment}${pane}`),
    'join',
  )
  to(both.leftJoin(pair), 'left')
  to(both.outerJoin(pair), 'outer')
  to(both.late(), 'late')
  const found = results(app, [
    [orders, 'a', 'o', 1],
    [payments, 'a', 'p', 9],
    [payments, 'a', 'q', 2],
    [orders, 'b', 'r', 5],
    [payments, 'c', 's', 5],
    // Time reaches 11: the window is over, and takes late records until it reaches 15.
    [orders, 'x', 'x', 11],
    [payments, 'y', 'y', 11],
    [payments, 'b', 't', 9],
    [orders, 'x', 'x', 15],
    [payments, 'y', 'y', 15],
    [orders, 'b', 'u', 9],
  ])
  deepEqual(
    found,
    [
      'sides o/pq',
      'join a0opon-time',
      'join a0oqon-time',
      'left op',
      'left oq',
      'outer op',
      'outer oq',
      'sides r/',
      'left rnull',
      'outer rnull',
      'sides /s',
      'outer nulls',
      'sides r/t',
      'join b0rtlate',
      'left rt',
      'outer rt',
      'late u',
    ].map(row => `${row} @9`),
  )
  throws(() => both.leftJoin('field' as never), {
    code: 'INVALID_ARGUMENT',
    message: /joiner of leftJoin of a/,
  })
})

test('coGroup in sessions, of streams with changed keys', () => {
  const app = new App('app')
  reKeyed(app.stream(orders))
    .coGroup(reKeyed(app.stream(refunds)), session(5))
    .outerJoin((one, other, { start, end }) => `${start}-${end} ${pair(one, other)}`)
    .selectKey((_, { key }) => key)
    .to(output)
  const found = results(app, [
    [orders, 'a', 'o', 1],
    [refunds, 'a', 'p', 6],
    [refunds, 'b', 'q', 6],
    [orders, 'a', 'r', 20],
    [refunds, 'x', 'x', 100],
    [orders, 'x', 'x', 100],
  ])
  deepEqual(found, ['a 1-11 op @11', 'b 6-11 nullq @11', 'a 20-25 rnull @25'])
})
