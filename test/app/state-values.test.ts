/**
 * Values that state can hold are restored unchanged: a run with a restart between any two records gives the
 * results of a run without. A value that state cannot hold fails its record.
 */
import { deepEqual, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '../../src/base/index.ts'
import { json, text, topic } from '../../src/schema/index.ts'
import { App } from '../../src/stream/index.ts'
import { World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const output = topic('output', { key: json<unknown>(), value: json<unknown>(), partitions: 1 })

type Add = (before: unknown, value: number) => unknown

/** What aggregates hold, and how a program reads it. */
const held: readonly [name: string, initial: unknown, add: Add, read: (value: never) => unknown][] = [
  [
    'numbers that JSON does not have',
    { n: -0 },
    (_, value) => ({ n: [Number.NaN, -Infinity, -0][value % 3] }),
    (value: { n: number }) => String(Object.is(value.n, -0) ? '-0' : value.n),
  ],
  [
    'undefined in objects and arrays',
    {},
    (_, value) => ({ a: undefined, b: [undefined, value] }),
    (value: object) => `${Object.keys(value).join()} ${JSON.stringify(value)}`,
  ],
  [
    'a Map of Sets',
    new Map(),
    (before, value) => new Map([...(before as Map<number, Set<number>>), [value % 2, new Set([value])]]),
    (value: Map<number, Set<number>>) => [...value].map(([key, set]) => [key, [...set]]),
  ],
  [
    'dates and big numbers',
    { at: new Date(0), n: 0n },
    (before, value) => ({ at: new Date(value), n: (before as { n: bigint }).n + 2n ** 70n }),
    (value: { at: Date; n: bigint }) => `${value.at.toISOString()} ${value.n}`,
  ],
  [
    'bytes',
    new Uint8Array(0),
    (before, value) => Uint8Array.of(...(before as Uint8Array), value),
    (value: Uint8Array) => [...value],
  ],
  [
    'text of every kind',
    '',
    (before, value) => `${String(before)}${['ä', '💧', '\ud800', '\0'][value % 4]}`,
    (value: string) => Array.from({ length: value.length }, (_, i) => value.charCodeAt(i)),
  ],
  [
    'a key __proto__',
    {},
    (_, value) => JSON.parse(`{ "__proto__": ${value} }`) as object,
    (value: object) => Object.keys(value).length,
  ],
]

function appOf([, initial, add, read]: (typeof held)[number]): App {
  const app = new App('app')
  app
    .stream(input)
    .groupByKey()
    .aggregate(initial, add, { name: 'state' })
    .mapValues(read as (value: unknown) => unknown)
    .to(output)
  return app
}

const values = [0, 1, 2, 3, 4, 5, 6]

async function run(each: (typeof held)[number], restarts: boolean): Promise<unknown> {
  const world = await World.open()
  const write = (of: readonly number[]): Promise<void> =>
    world.write(
      'input',
      of.map(value => ({ key: `k${value % 2}`, value })),
    )
  if (!restarts) await write(values)
  else
    for (const value of values) {
      await write([value])
      await world.run(appOf(each), { until: 'now' })
      await world.reopen()
    }
  await world.run(appOf(each), { until: 'end' })
  return (await world.read('output')).map(({ value }) => value)
}

for (const each of held)
  test(`state of ${each[0]} is the same with a restart between any two records`, async () => {
    deepEqual(await run(each, true), await run(each, false))
  })

class Point {
  readonly x = 1
}
const cyclic = (): unknown => {
  const value: { self?: unknown } = {}
  value.self = value
  return value
}

/** Values that no state can hold. */
const refused: readonly [name: string, value: () => unknown, says: RegExp][] = [
  ['a function', () => ({ f: () => 1 }), /a function at f/],
  ['an instance of a class', () => ({ list: [new Point()] }), /a Point instance/],
  ['a symbol', () => Symbol('x'), /a symbol/],
  ['a value in itself', cyclic, /in itself/],
  ['a WeakMap', () => ({ a: { b: new WeakMap() } }), /a WeakMap instance at a\.b/],
]

for (const [name, value, says] of refused)
  test(`a record whose state would hold ${name} fails, with operator and key`, async () => {
    const app = new App('app')
    app
      .stream(input)
      .groupByKey()
      .aggregate<unknown>(0, (_, n) => (n === 2 ? value() : n), { name: 'state' })
      .mapValues(String)
      .to(output)
    const world = await World.open()
    await world.write(
      'input',
      [1, 2, 3].map(n => ({ key: 'k', value: n })),
    )
    let failure: unknown
    await world.run(app, { until: 'now' }).catch((error: unknown) => {
      failure = error
    })
    ok(isMillraceError(failure, 'USER_FUNCTION_FAILED'), String(failure))
    match(failure.message, /input-0, offset 1,.*'state'.*key 'k'/s)
    match(failure.message, says)
    await world.run(app, { until: 'now', onError: 'skip' })
    deepEqual(
      (await world.read('output')).map(record => record.value),
      ['"1"', '"3"'],
    )
  })
