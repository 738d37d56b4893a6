/**
 * Programs and inputs at random: each record gives what the reference interpreter says. Kafka Streams agrees
 * with both (test/peers/operators).
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { MillraceError } from '../../src/base/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { interpreted } from './interpreter.ts'
import { ourAnswer } from './our-answer.ts'
import type { Answer, Operation, Program, Step } from './program.ts'
import { randomProgram } from './random-program.ts'
import { randomSteps } from './random-steps.ts'

test('each record gives what the reference interpreter says', () =>
  forSeeds(10_000, random => {
    const made = randomProgram(random)
    const { program } = made
    const steps = randomSteps(random, made)
    const ours = answerOrRefusal(program, steps)
    if (ours) deepEqual(comparable(program, ours), comparable(program, interpreted(program, steps)))
  }))

/** Undefined: the program joins the two ends of an exchange, and is refused. */
function answerOrRefusal(program: Program, steps: readonly Step[]): Answer[] | undefined {
  try {
    return ourAnswer(program, steps)
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'INVALID_TOPOLOGY') return undefined
    throw error
  }
}

/** By output, the results of each step; or of all steps together, where the step is a matter of time. */
function comparable({ operations, outputs }: Program, answers: readonly Answer[]): unknown {
  return outputs.map(output => {
    const operation = operations[output]!
    const results = answers.map(answer => answer[`out-${output}`] ?? [])
    if (waits(operation)) return results.flat().sort()
    const ofSteps = results.map(each =>
      isOrdered(operation) ? each : each.map(withoutTime(operation)).sort(),
    )
    return ofSteps.filter(each => each.length > 0)
  })
}

function waits(operation: Operation): boolean {
  return operation.on === 'windows'
    ? operation.emit === 'final'
    : operation.on === 'joined streams' && operation.op !== 'join'
}

/** Whether the order of the results of a record is promised. */
function isOrdered(operation: Operation): boolean {
  return operation.on !== 'referring tables' && (operation.on !== 'windows' || operation.kind !== 'sliding')
}

function withoutTime({ on }: Operation) {
  return (result: string): string =>
    on === 'referring tables' ? result.slice(0, result.indexOf('@')) : result
}
