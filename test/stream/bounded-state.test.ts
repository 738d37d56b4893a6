/**
 * The state of every operator is bounded by what its time allows. Random records come, then each key is
 * deleted, and records of other keys move time on. What is left is what those alone leave: all entries of all
 * states are compared, through restarts. Only operators that keep rows whose time is never over, and are not
 * told to delete them, have a row for each key.
 */
import { deepEqual, equal } from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { type Random, seededRandom } from '../../src/base/index.ts'
import { appOf, type StatefulProgram, statefulPrograms } from './stateful-programs.ts'
import { type InputRecord, TaskHarness } from './task-harness.ts'

/** The keys of each partition: those that are deleted, and the one that moves time on. */
const partitions = ['abz', 'cdy']
const endMs = 400
const laterMs = 10_000

/** Records out of order, and at last one with 0 and one without a value for each key. */
function recordsOf(random: Random, [one = '', other = '']: string): InputRecord[] {
  const some = Array.from({ length: 60 }, (_, n) => ({
    key: random.int(2) === 0 ? one : other,
    value: 1 + random.int(9),
    timestamp: Math.max(0, n * 6 + random.int(60) - 40),
  }))
  const last = [0, null].flatMap(value => [one, other].map(key => ({ key, value, timestamp: endMs })))
  return [...some, ...last]
}

const later = ([, , key]: string): InputRecord[] =>
  [1, 2].map(n => ({ key, value: n, timestamp: n * laterMs }))

/** The entries of state after records, through commits and crashes. `isOver`: all that waits has come. */
async function entriesAfter(
  program: StatefulProgram,
  recordsOfKeys: (keys: string) => InputRecord[],
  random: Random,
  isOver = true,
): Promise<string[]> {
  const { app, inputs } = appOf(program)
  const records = new Map(inputs.map(({ name }) => [name, partitions.map(recordsOfKeys)]))
  const harness = new TaskHarness(app, records, { rowsPerTurn: 1 + random.int(4) })
  for (let { open } = harness; open.length > 0; { open } = harness) {
    harness.read(open[random.int(open.length)]!, 1 + random.int(8))
    harness.tick(10)
    if (random.int(3) > 0) harness.commit()
    else if (random.int(4) === 0) harness.restart()
  }
  const turnsMax = isOver ? 10 : 0
  for (let turns = 0; turns < turnsMax; turns += 1) {
    harness.tick(1000)
    await Promise.resolve()
    harness.settle()
  }
  harness.commit()
  return harness.entries()
}

const isOfInput = (entry: string): boolean => /^(left|right)-table-/.test(entry)

for (const program of statefulPrograms)
  test(`nothing is left of ${program.name}`, async () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const random = seededRandom(seed)
      const before = await entriesAfter(program, keys => recordsOf(random, keys).slice(0, -4), random, false)
      equal(program.operator === 'table-source' || !before.every(isOfInput), true, 'it keeps something')

      const all = (keys: string): InputRecord[] => [...recordsOf(random, keys), ...later(keys)]
      const found = await entriesAfter(program, all, random)
      const expected = await entriesAfter(program, later, random)
      const { rowsOfKey = 0 } = program
      deepEqual(rowsOfKey > 0 ? found.filter(entry => expected.includes(entry)) : found, expected)
      equal(found.length - expected.length, 4 * rowsOfKey)
    }
  })

test('each operator with state is in the list', () => {
  const files = resolve(import.meta.dirname, '../../src/stream/operators')
  const stateful = readdirSync(files)
    .filter(
      name => !name.includes('.test') && /stateful: true/.test(readFileSync(`${files}/${name}`, 'utf8')),
    )
    .map(name => name.replace('.ts', ''))
  deepEqual(
    stateful.filter(name => !statefulPrograms.some(({ operator }) => operator === name)),
    [],
  )
})
