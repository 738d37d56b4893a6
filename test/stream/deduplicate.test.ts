/**
 * Random duplicates, out of order and late. The records that pass are those of a naive model, for any
 * interleaving of partitions, turns, commits and crashes.
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import type { Random } from '../../src/base/index.ts'
import { json, text, topic } from '../../src/schema/index.ts'
import { App } from '../../src/stream/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { inTime } from './oracle.ts'
import { runAtRandom } from './random-run.ts'
import { type InputRecord, TaskHarness } from './task-harness.ts'

const outOfOrderness = 12
const watermark = { outOfOrderness }
const input = topic('input', { key: text(), value: json<number>(), watermark })
/** Holds back the time of the tasks, and so the expiry of their state. */
const names = topic('names', { key: text(), value: json<number>(), watermark })
const output = topic('output', { key: text(), value: json<number>() })

/** The values that pass in one partition, in order: each record is compared with all that have passed. */
function passing(records: readonly InputRecord[], within: number, allowedLateness: number): unknown[] {
  const passed: InputRecord[] = []
  for (const record of inTime([records], outOfOrderness, allowedLateness)) {
    const isNear = (one: InputRecord): boolean =>
      one.key === record.key && Math.abs(one.timestamp - record.timestamp) < within
    if (!passed.some(isNear)) passed.push(record)
  }
  return passed.map(({ value }) => value)
}

function oneCase(random: Random): void {
  const within = 1 + random.int(30)
  const allowedLateness = random.int(2) * random.int(40)
  let value = 0
  const recordsOf = (count: number, disorder: number): InputRecord[] =>
    Array.from({ length: count }, (_, n) => ({
      key: 'abc'[random.int(3)]!,
      value: (value += 1),
      timestamp: Math.max(0, n * 4 + random.int(disorder) - disorder / 2),
    }))
  const partitions = [recordsOf(40, 60), recordsOf(40, 60)]
  const app = new App('app')
  app
    .stream(input)
    .leftJoin(app.table(names), n => n)
    .deduplicate(within, { allowedLateness })
    .to(output)
  const inputs = new Map([
    ['input', partitions],
    ['names', [recordsOf(10, 20), recordsOf(10, 20)]],
  ])
  const harness = new TaskHarness(app, inputs, { rowsPerTurn: 1 + random.int(4) })
  runAtRandom(harness, random)
  const valuesOf = new Set(partitions[0]!.map(record => record.value))
  for (const [n, records] of partitions.entries())
    deepEqual(
      harness.outputs.map(each => each.value).filter(each => valuesOf.has(each) === (n === 0)),
      passing(records, within, allowedLateness),
    )
  deepEqual(harness.rows('deduplicate-1-passed'), [], 'all is forgotten')
}

test('the records that pass are those of a naive model', () => forSeeds(2000, oneCase))
