/**
 * State and user code share no objects. A function that changes its arguments fails at that line, or changes
 * no result; in production and in testApp alike.
 */
import { deepEqual, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '../../src/base/index.ts'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import { App, hopping, session, type Stream, tumbling } from '../../src/stream/index.ts'
import { testApp } from '../../src/testing/index.ts'
import { World } from './world.ts'

interface Item {
  n: number
  list: number[]
}

const input = topic('input', { key: text(), value: json<Item>() })
const output = topic('output', { key: json<unknown>(), value: json<unknown>(), partitions: 1 })
const windows = topic('windows', { key: windowed(text()), value: json<unknown>(), partitions: 1 })

type Items = Stream<string | null, Item | null>
type Program = (items: Items, app: App) => void

/** Changes that an untyped program makes to its arguments. */
const spoil = (value: unknown): never => {
  const item = value as Item
  item.n += 1
  item.list?.push(9)
  return item as never
}
const n = (value: unknown): number => (value as Item).n

/**
 * Programs that change their arguments, and their results for k0 n=1, k1 n=1, k0 n=1 if the change has no
 * effect.
 */
const programs: readonly [name: string, program: Program, right: readonly unknown[]][] = [
  [
    'mapValues beside a second branch',
    items => {
      items
        .mapValues(spoil)
        .filter(() => false)
        .to(output)
      items.mapValues(n).to(output)
    },
    [1, 1, 1],
  ],
  [
    'peek beside a second branch',
    items => {
      items
        .peek(spoil)
        .filter(() => false)
        .to(output)
      items.mapValues(n).to(output)
    },
    [1, 1, 1],
  ],
  [
    'filter beside a second branch',
    items => {
      items.filter(value => spoil(value) === undefined).to(output)
      items.mapValues(n).to(output)
    },
    [1, 1, 1],
  ],
  [
    'aggregate, its initial value',
    items =>
      items
        .groupByKey()
        .aggregate({ n: 0, list: [] as number[] }, sum => spoil(sum))
        .mapValues(n)
        .to(output),
    [1, 1, 2],
  ],
  [
    'aggregate, what an initial function gave',
    items =>
      items
        .groupByKey()
        .aggregate(
          () => ({ n: 0, list: [] as number[] }),
          sum => spoil(sum),
        )
        .filter(sum => sum.n < 2)
        .mapValues(n)
        .to(output),
    [1, 1, null],
  ],
  [
    'aggregate of a list',
    items =>
      items
        .groupByKey()
        .aggregate([] as number[], (list, value) => {
          ;(list as number[]).push(value.n)
          return list
        })
        .mapValues(list => list.length)
        .to(output),
    [1, 1, 2],
  ],
  [
    'aggregate of a Map',
    items =>
      items
        .groupByKey()
        .aggregate(new Map<string, number>(), (map, _, key) => {
          const counts = map as Map<string, number>
          counts.set('n', (counts.get('n') ?? 0) + 1)
          return key === undefined ? null : counts
        })
        .mapValues(map => map.get('n'))
        .to(output),
    [1, 1, 2],
  ],
  [
    'aggregate of bytes',
    items =>
      items
        .groupByKey()
        .aggregate(new Uint8Array(1), bytes => {
          const own = bytes as Uint8Array<ArrayBuffer>
          own[0] = (own[0] as number) + 1
          return own
        })
        .mapValues(bytes => bytes[0])
        .to(output),
    [1, 1, 2],
  ],
  [
    'reduce',
    items =>
      items
        .groupByKey()
        .reduce(sum => spoil(sum))
        .mapValues(n)
        .to(output),
    [1, 1, 2],
  ],
  [
    'reduce, which changes the new value',
    items =>
      items
        .groupByKey()
        .reduce((_, value) => spoil(value))
        .mapValues(n)
        .to(output),
    [1, 1, 2],
  ],
  [
    'hopping windows, which see one value several times',
    items =>
      items
        .groupByKey()
        .windowedBy(hopping(10, 5))
        .aggregate(0, (sum, value) => sum + n(spoil(value)))
        .emit('changes')
        .to(windows),
    [2, 2, 2, 2, 4, 4],
  ],
  [
    'tumbling windows, final and changes',
    items => {
      const counted = items
        .groupByKey()
        .windowedBy(tumbling(10))
        .aggregate({ n: 0, list: [] as number[] }, sum => ({ ...sum, n: sum.n + 1 }))
      counted
        .emit('changes')
        .mapValues(spoil)
        .filter(() => false)
        .to(windows)
      counted.emit('changes').mapValues(n).to(windows)
    },
    [1, 1, 2],
  ],
  [
    'sessions, their merger',
    items =>
      items
        .groupByKey()
        .windowedBy(session(10))
        .aggregate(
          { n: 0, list: [] as number[] },
          sum => ({ ...sum, n: sum.n + 1 }),
          left => {
            spoil(left)
            return left
          },
        )
        .emit('changes')
        .mapValues(n)
        .to(windows),
    [1, 1, 2],
  ],
  [
    'a table, through its filter and mapper',
    items => {
      const table = items.toTable()
      table
        .mapValues(spoil)
        .filter(() => false)
        .to(output)
      table.mapValues(n).to(output)
    },
    [1, 1, 1],
  ],
  [
    'joined tables, which change their rows',
    items => {
      const table = items.toTable()
      table
        .leftJoin(
          table.filter(() => false),
          (row, none) => n(spoil(row)) - 1 + Number(none),
        )
        .to(output)
    },
    [1, 1, 1],
  ],
  [
    'joined tables, which give their rows',
    items => {
      const table = items.toTable()
      table
        .leftJoin(
          table.filter(() => false),
          row => row,
        )
        .mapValues(row => n(spoil(row)) - 1)
        .to(output)
    },
    [1, 1, 1],
  ],
  [
    'a grouped table, which changes what it adds and subtracts',
    items =>
      items
        .toTable()
        .groupBy((row, key) => [key, row])
        .aggregate(
          0,
          (sum, row) => sum + n(spoil(row)) - 1,
          (sum, row) => sum - n(spoil(row)) + 1,
        )
        .to(output),
    [1, 1, 1],
  ],
  [
    'a join, which changes the row',
    items => {
      const table = items.toTable()
      items
        .groupByKey()
        .aggregate(0, sum => sum + 1)
        .toStream()
        .leftJoin(table, (_, row) => n(spoil(row)) - 1)
        .to(output)
    },
    [1, 1, 1],
  ],
  [
    'flatMap, whose records hold one object',
    items =>
      items
        .flatMap((value, key) => [
          [key, value],
          [key, value],
        ])
        .mapValues(value => n(spoil(value)))
        .to(output),
    [2, 2, 2, 2, 2, 2],
  ],
]

interface Key {
  k: string
}
const made = (): Key => ({ k: 'x' })
const spoilKey = (_: unknown, key: unknown): void => {
  ;(key as Key).k = 'y'
}
const spoilWindow = (_: unknown, key: unknown): void => {
  ;(key as { start: number }).start = 99
}

/** The same for keys: each result names its own key. */
const keyed = (items: Items): Stream<Key, Item | null> => items.selectKey(made)
const said = (value: unknown, key: unknown): string => `${(key as Key).k}${String(value)}`
const keyPrograms: readonly [name: string, program: Program, right: readonly unknown[]][] = [
  [
    'a key from selectKey, by peek',
    items => keyed(items).peek(spoilKey).groupByKey().count().toStream().mapValues(said).to(output),
    ['x1', 'x2', 'x3'],
  ],
  [
    'a key from map, by filter',
    items =>
      items
        .map(value => [made(), value])
        .filter((value, key) => (spoilKey(value, key), true))
        .groupByKey()
        .count()
        .toStream()
        .mapValues(said)
        .to(output),
    ['x1', 'x2', 'x3'],
  ],
  [
    'a key from flatMap, by mapValues',
    items =>
      items
        .flatMap(value => [[made(), value]])
        .mapValues((value, key) => (spoilKey(value, key), value))
        .groupByKey()
        .count()
        .toStream()
        .mapValues(said)
        .to(output),
    ['x1', 'x2', 'x3'],
  ],
  [
    'a key from groupBy, by aggregate',
    items =>
      items
        .groupBy(made)
        .aggregate(0, (sum, value, key) => (spoilKey(value, key), sum + 1))
        .toStream()
        .mapValues(said)
        .to(output),
    ['x1', 'x2', 'x3'],
  ],
  [
    'a key behind an exchange, by peek on its table',
    items => {
      const counts = keyed(items).groupByKey().count().toStream()
      counts.peek(spoilKey).mapValues(said).to(output)
    },
    ['x1', 'x2', 'x3'],
  ],
  [
    'the key of a window',
    items => {
      const counts = items.groupByKey().windowedBy(tumbling(10)).count().emit('changes').toStream()
      counts
        .peek(spoilWindow)
        .mapValues((count, { start }) => [start, count])
        .to(windows)
    },
    [
      [0, 1],
      [0, 1],
      [0, 2],
    ],
  ],
]

const records = (['k0', 'k1', 'k0'] as const).map(key => ({ key, value: { n: 1, list: [] }, timestamp: 5 }))

function appOf(program: Program): App {
  const app = new App('app')
  program(app.stream(input), app)
  return app
}

const isFailure = (error: unknown): boolean => isMillraceError(error, 'USER_FUNCTION_FAILED')

async function inProduction(app: App): Promise<readonly unknown[] | 'failed'> {
  const world = await World.open()
  await world.write('input', records)
  try {
    await world.run(app, { until: 'now' })
  } catch (error) {
    ok(isFailure(error), String(error))
    return 'failed'
  }
  const found = [...(await world.read('output')), ...(await world.read('windows'))]
  return found.map(({ value }) => JSON.parse(value ?? 'null') as unknown)
}

function underTest(app: App): readonly unknown[] | 'failed' {
  const tested = testApp(app)
  try {
    tested.input(input).push(...records)
  } catch (error) {
    ok(isFailure(error), String(error))
    return 'failed'
  }
  const outputs = [output, windows].flatMap(each => {
    try {
      return tested.output(each).read()
    } catch {
      return [] // the program does not write to it
    }
  })
  return outputs.map(({ value }) => value)
}

for (const [name, program, right] of [...programs, ...keyPrograms])
  test(`${name}: gives right values, or USER_FUNCTION_FAILED`, async () => {
    const found = await inProduction(appOf(program))
    if (found !== 'failed') deepEqual(found, right)
    deepEqual(underTest(appOf(program)), found)
  })

test('an object as a topic key cannot be changed', async () => {
  const world = await World.open()
  await world.write('keyed', [{ key: '{"k":"x"}', value: 1 }])
  const app = new App('app')
  const from = topic('keyed', { key: json<Key>(), value: json<number>() })
  app.stream(from).peek(spoilKey).groupByKey().count().toStream().mapValues(said).to(output)
  await rejects(world.run(app, { until: 'now' }), isFailure)
})

for (const exchange of ['memory', 'topic'] as const)
  test(`a key that passed an exchange (${exchange}) cannot be changed`, async () => {
    const world = await World.open()
    await world.write('input', records)
    const app = new App('app')
    const counts = keyed(app.stream(input)).groupByKey()
    counts.aggregate(0, (sum, value, key) => (spoilKey(value, key), sum + 1)).to(output)
    await rejects(world.run(app, { until: 'now', exchange }), isFailure)
  })
