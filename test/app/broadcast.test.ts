/** A table in `broadcast` of process: every task has all its rows, with changes, over restarts. */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../src/schema/index.ts'
import { App, output } from '../../src/stream/index.ts'
import { World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const rules = topic('rules', { key: text(), value: json<number>() })
const results = topic('output', { key: text(), value: json<unknown>(), partitions: 1 })

const partitions = 4

/** Gives each number with the limits that it exceeds. */
function exceeding(): App {
  const app = new App('app')
  const { exceeded } = app.stream(input).process({
    broadcast: { rules: app.table(rules) },
    outputs: { exceeded: output<string>() },
    onRecord: (value, _key, { broadcast, emit }) => {
      const above = broadcast.rules.entries().filter(([, limit]) => (value ?? 0) > limit)
      emit.exceeded(`${value} ${above.map(([name]) => name).join()} ${broadcast.rules.get('low') ?? '-'}`)
    },
  })
  exceeded.to(results)
  return app
}

const oneOfEach = (value: number): { key: string; value: number; partition: number }[] =>
  Array.from({ length: partitions }, (_, partition) => ({ key: `k${partition}`, value, partition }))

const values = async (world: World): Promise<(string | null)[]> =>
  (await world.read('output')).map(({ value }) => value)

for (const exchange of ['memory', 'topic'] as const)
  test(`every task has all rows of a table (${exchange})`, async () => {
    const world = await World.open()
    await world.write('input', [], { partitions })
    await world.write(
      'rules',
      [
        { key: 'low', value: 3 },
        { key: 'high', value: 7, partition: 1 },
      ],
      { partitions: 2 },
    )
    await world.run(exceeding(), { until: 'now', exchange })
    await world.write('input', oneOfEach(5))
    await world.run(exceeding(), { until: 'now', exchange })
    deepEqual(
      await values(world),
      Array.from({ length: partitions }, () => '"5 low 3"'),
    )
    await world.write('rules', [
      { key: 'low', value: null },
      { key: 'high', value: 4, partition: 1 },
    ])
    await world.run(exceeding(), { until: 'now', exchange })
    await world.write('input', oneOfEach(5))
    await world.run(exceeding(), { until: 'end', exchange })
    deepEqual(
      (await values(world)).slice(partitions),
      Array.from({ length: partitions }, () => '"5 high -"'),
    )
    const state = await world.rows('app-process-1-broadcast-rules-changelog')
    equal(state.length, partitions)
  })
