/** Which programs feed themselves for ever, and which are stopped by what they decide. */
import { throws } from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../../test/is-code.ts'
import { json, text, topic } from '../../schema/index.ts'
import { App, tumbling } from '../index.ts'

const one = topic('one', { key: text(), value: json<number>() })
const two = topic('two', { key: text(), value: json<number>() })

type Program = (app: App) => void

const endless: readonly (readonly [string, Program])[] = [
  ['a stream in its own topic', app => app.stream(one).to(one)],
  ['a table in its own topic', app => app.table(one).to(one)],
  [
    'mapped values',
    app =>
      app
        .stream(one)
        .mapValues(n => (n ?? 0) + 1)
        .to(one),
  ],
  [
    'other keys',
    app =>
      app
        .stream(one)
        .map((n, key) => [`${key}`, n ?? 0])
        .repartition()
        .to(one),
  ],
  ['counts', app => app.stream(one).groupByKey().count().to(one)],
  [
    'two topics that lead to each other',
    app => {
      app
        .stream(one)
        .peek(() => {})
        .to(two)
      app.table(two).toStream().to(one)
    },
  ],
]
for (const [name, program] of endless)
  test(`refuses a program without an end: ${name}`, () => {
    const app = new App('app')
    program(app)
    throws(() => app.plan(), isCode('INVALID_TOPOLOGY', /'app'.*'one'.*another topic/s))
  })

const ending: readonly (readonly [string, Program])[] = [
  [
    'a filter',
    app =>
      app
        .stream(one)
        .filter(n => n !== null && n > 9)
        .to(one),
  ],
  [
    'a table that drops rows',
    app =>
      app
        .table(one)
        .mapValues(n => (n > 9 ? null : n))
        .to(one),
  ],
  [
    'a split for retries',
    app =>
      app
        .stream(one)
        .split({ failed: n => n === 0 })
        .failed.to(one),
  ],
  [
    'windows',
    app =>
      app
        .stream(one)
        .groupByKey()
        .windowedBy(tumbling(9))
        .count()
        .emit('final')
        .toStream(key => key.key)
        .filter(n => n !== null)
        .to(one),
  ],
  ['a topic that only others read', app => app.stream(one).to(two)],
  [
    'a way back that decides',
    app => {
      app.stream(one).to(two)
      app
        .stream(two)
        .filterNot(n => n === 0)
        .to(one)
    },
  ],
]
for (const [name, program] of ending)
  test(`takes a program that decides what comes back: ${name}`, () => {
    const app = new App('app')
    program(app)
    app.plan()
  })
