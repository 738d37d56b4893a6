/**
 * Patterns and events at random, through Apache Flink's CEP and through millrace. Each event, with the
 * watermark after it, gives the same matches, in the order of their first events; the same attempts time out.
 */
import { deepEqual, ok } from 'node:assert/strict'
import { after, test } from 'node:test'
import { forSeeds } from '../../../for-seeds.ts'
import { AnsweringProgram } from '../../answering-program.ts'
import { flinkClassPath } from '../../install.ts'
import { accidentOf } from './accidents.ts'
import { asFlinkReads, expectedOf, givenBy, haveTies } from './deliberate-differences.ts'
import { ourMatches } from './our-matches.ts'
import type { PatternAnswer, PatternCase } from './pattern-case.ts'
import { randomPattern } from './random-pattern.ts'

/** In a soak; otherwise a tenth. Some of them are accidents of Flink. */
const cases = 7000

const flink = new AnsweringProgram('FlinkPatterns', flinkClassPath())
after(() => flink.close())

async function isAccident(one: PatternCase): Promise<boolean> {
  if (accidentOf(one) !== undefined) return true
  return one.afterMatch !== 'noSkip' && haveTies(one, await flink.answer({ ...one, afterMatch: 'noSkip' }))
}

test('patterns have the matches that they have in Flink', () =>
  forSeeds(
    cases,
    async random => {
      const one = randomPattern(random)
      if (await isAccident(one)) return false
      const theirs = await flink.answer<PatternAnswer[]>(one)
      deepEqual(givenBy(one, ourMatches(asFlinkReads(one))), expectedOf(one, theirs))
      return true
    },
    compared => {
      const share = compared.filter(Boolean).length / compared.length
      ok(share > 0.7, `only ${share} of the patterns are compared`)
    },
  ))
