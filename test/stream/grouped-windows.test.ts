/**
 * Results of windows in groups: early results, corrections and retractions replace what was added before. So
 * the groups are always those of the results that are there.
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import type { Random } from '../../src/base/index.ts'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import { App, type EmitPolicy, session, tumbling } from '../../src/stream/index.ts'
import { testApp } from '../../src/testing/index.ts'
import { forSeeds } from '../for-seeds.ts'

const input = topic('input', { key: text(), value: json<number>(), watermark: { outOfOrderness: 30 } })
const results = topic('results', { key: windowed(text()), value: json<number>() })
const groups = topic('groups', { key: json<string>(), value: json<number>() })
const policies: readonly EmitPolicy[] = ['final', 'changes', { early: 10 }]

/** A value of 0 deletes the aggregate. */
const add = (sum: number, value: number): number | null => (value === 0 ? null : sum + value)

/** What a topic holds at the end, without deleted keys. */
function rowsOf<K, V>(records: readonly { readonly key: K; readonly value: V | null }[]): [K, V][] {
  const rows = new Map<string, [K, V]>()
  for (const { key, value } of records)
    if (value === null) rows.delete(JSON.stringify(key))
    else rows.set(JSON.stringify(key), [key, value])
  return [...rows.values()]
}

function oneCase(random: Random): void {
  const length = 1 + random.int(30)
  const allowedLateness = random.int(2) * random.int(100)
  const app = new App('app')
  const grouped = app.stream(input).groupByKey()
  const sums =
    random.int(2) === 0
      ? grouped.windowedBy(session(length, { allowedLateness })).aggregate(0, add, (a, b) => a + b)
      : grouped.windowedBy(tumbling(length, { allowedLateness })).aggregate(0, add)
  const emitted = sums.emit(policies[random.int(policies.length)]!)
  emitted.to(results)
  emitted
    .groupBy((sum, { key }) => [`${key}${sum % 2}`, sum])
    .reduce(
      (all, sum) => all + sum,
      (all, sum) => (all === sum ? null : all - sum),
    )
    .to(groups)
  const run = testApp(app)
  for (let n = 0; n < 40; n += 1) {
    const timestamp = Math.max(0, n * 6 + random.int(80) - 40)
    run.input(input).push({ key: 'ab'[random.int(2)]!, value: random.int(4), timestamp })
    if (random.int(5) === 0) run.advanceWallClock(10)
  }
  if (random.int(2) === 0) run.advanceTime(Number.POSITIVE_INFINITY)

  const expected = new Map<string, number>()
  for (const [{ key }, sum] of rowsOf(run.output(results).read())) {
    const group = `${key}${sum % 2}`
    expected.set(group, (expected.get(group) ?? 0) + sum)
  }
  deepEqual(new Map(rowsOf(run.output(groups).read())), expected)
}

test('groups are those of the results that are there', () => forSeeds(2000, oneCase))
