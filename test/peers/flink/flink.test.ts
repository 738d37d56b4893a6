/**
 * Operators and inputs at random, through the harnesses of Apache Flink's own tests and through millrace.
 * Each record, with the watermark after it, gives the same results and late records.
 */
import { deepEqual } from 'node:assert/strict'
import { after, test } from 'node:test'
import { forSeeds } from '../../for-seeds.ts'
import { AnsweringProgram } from '../answering-program.ts'
import { flinkClassPath } from '../install.ts'
import type { Answer } from './case.ts'
import { expectedOf, givenBy } from './deliberate-differences.ts'
import { ourAnswers } from './our-answer.ts'
import { randomCase } from './random-case.ts'

/** In a soak; otherwise a tenth. */
const cases = 10_000

const flink = new AnsweringProgram('FlinkCases', flinkClassPath())
after(() => flink.close())

test('each record gives what it gives in Flink', () =>
  forSeeds(cases, async random => {
    const one = randomCase(random)
    const theirs = await flink.answer<Answer[]>(one)
    deepEqual(givenBy(one, ourAnswers(one)), expectedOf(one, theirs))
  }))
