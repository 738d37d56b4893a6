/**
 * Programs and inputs at random: at the end there is what DuckDB gives for the program as SQL over the whole
 * input. Records come in disorder, but none is late.
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import type { Random } from '../../src/base/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { database } from './database.ts'
import { ourAnswer } from './our-answer.ts'
import type { Operation } from './program.ts'
import { randomInputs } from './random-inputs.ts'
import { type RandomProgram, randomProgram } from './random-program.ts'
import { canBeSql, isTable, sqlOf } from './sql.ts'

const texts = database()

test('at the end there is what DuckDB gives', () =>
  forSeeds(5000, async random => {
    const made = sayable(random)
    const { program } = made
    const inputs = randomInputs(random, made.topics, program.outOfOrderness)
    const ours = ourAnswer(program, [inputs])
    for (const output of program.outputs) {
      const operation = program.operations[output]!
      const given = ours.flatMap(answer => answer[`out-${output}`] ?? [])
      const expected = await texts(sqlOf(program, inputs, output))
      deepEqual(atTheEnd(operation, given), atTheEnd(operation, expected))
    }
  }))

function sayable(random: Random): RandomProgram {
  for (;;) {
    const made = randomProgram(random)
    if (canBeSql(made.program)) return made
  }
}

/** The records of a stream; of a table the last row of each key, which has no time. */
function atTheEnd(operation: Operation, records: readonly string[]): string[] {
  if (!isTable(operation)) return records.toSorted()
  const values = new Map(
    records.map(record => {
      const [, key, value] = /^(.*)=(.*)@/.exec(record)!
      return [key!, value!] as const
    }),
  )
  // A group that has lost its rows has the count 0, of which SQL knows nothing.
  const isEmpty = (value: string): boolean =>
    value === 'null' || (operation.on === 'grouped table' && value === '0')
  return [...values].flatMap(([key, value]) => (isEmpty(value) ? [] : [`${key}=${value}`])).sort()
}
