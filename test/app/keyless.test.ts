/**
 * Records whose new key is null: a left join gives null for their row, over any exchange. Operators that need
 * a key drop and count them.
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../src/schema/index.ts'
import { App } from '../../src/stream/index.ts'
import { World } from './world.ts'

const output = topic('output', { value: json<unknown>(), partitions: 1 })

function joining(kind: 'join' | 'leftJoin'): App {
  const app = new App('app')
  const cities = app.table(topic('cities', { key: text(), value: json<string>() }))
  const visits = app
    .stream(topic('visits', { key: text(), value: json<number>() }))
    .selectKey((value): string | null => ((value ?? 0) % 2 === 0 ? null : 'odd'))
  const joined =
    kind === 'join'
      ? visits.join(cities, (value, city) => [value, city])
      : visits.leftJoin(cities, (value, city) => [value, city])
  joined.selectKey(() => null).to(output)
  return app
}

for (const exchange of ['memory', 'topic'] as const)
  for (const partitions of [1, 3])
    for (const [kind, expected, nullKeys] of [
      [
        'leftJoin',
        [
          [0, null],
          [1, 'Odd'],
          [2, null],
          [3, 'Odd'],
          [4, null],
          [5, 'Odd'],
        ],
        0,
      ],
      [
        'join',
        [
          [1, 'Odd'],
          [3, 'Odd'],
          [5, 'Odd'],
        ],
        3,
      ],
    ] as const)
      test(`${kind} of records with a null key, ${partitions} partitions (${exchange})`, async () => {
        const world = await World.open()
        const cities = Array.from({ length: partitions }, (_, partition) => ({
          key: 'odd',
          value: '"Odd"',
          partition,
        }))
        await world.write('cities', cities, { partitions })
        const visits = Array.from({ length: 6 }, (_, n) => ({
          key: 'k',
          value: n,
          partition: n % partitions,
        }))
        await world.write('visits', visits, { partitions })
        const first = await world.run(joining(kind), { until: 'now', exchange })
        await world.crash()
        const { metrics } = await world.run(joining(kind), { until: 'end', exchange })
        const found = await world.read('output')
        deepEqual(
          new Set(found.map(({ value }) => value)),
          new Set(expected.map(each => JSON.stringify(each))),
        )
        deepEqual(found.length, expected.length)
        deepEqual(first.metrics.dropped['null-key'] + metrics.dropped['null-key'], nullKeys)
      })

function meeting(): App {
  const app = new App('app')
  const [visits, guides] = ['visits', 'guides'].map(name =>
    app
      .stream(topic(name, { key: text(), value: json<number>() }))
      .selectKey((value): string | null => ((value ?? 0) % 2 === 0 ? null : 'odd')),
  )
  visits!
    .outerJoin(guides!, (visit, guide) => [visit, guide], { within: '1d' })
    .selectKey(() => null)
    .to(output)
  return app
}

for (const exchange of ['memory', 'topic'] as const)
  test(`an outer join of streams has the records of both sides that have no key (${exchange})`, async () => {
    const world = await World.open()
    for (const [name, count] of [
      ['visits', 5],
      ['guides', 4],
    ] as const) {
      const records = Array.from({ length: count }, (_, n) => ({ key: 'k', value: n, partition: n % 2 }))
      await world.write(name, records, { partitions: 2 })
    }
    await world.run(meeting(), { until: 'now', exchange })
    await world.crash()
    const { metrics } = await world.run(meeting(), { until: 'end', exchange })
    deepEqual((await world.read('output')).map(({ value }) => value ?? '').toSorted(), [
      '[0,null]',
      '[1,1]',
      '[1,3]',
      '[2,null]',
      '[3,1]',
      '[3,3]',
      '[4,null]',
      '[null,0]',
      '[null,2]',
    ])
    deepEqual(metrics.dropped['null-key'], 0)
  })
