/**
 * Patterns and events at random, through Apache Flink's CEP and through millrace. Each event, with the
 * watermark after it, gives the same matches, in the order of their first events; the same attempts time out.
 * Where Flink's answer may be an accident of its machine, it has some of these, or all and more.
 */
import { deepEqual, ok } from 'node:assert/strict'
import { after, test } from 'node:test'
import { forSeeds } from '../../../for-seeds.ts'
import { AnsweringProgram } from '../../answering-program.ts'
import { flinkClassPath } from '../../install.ts'
import { givesByAccident } from './accidents.ts'
import { asFlinkReads, expectedOf, givenBy, haveTies } from './deliberate-differences.ts'
import { ourMatches } from './our-matches.ts'
import type { PatternAnswer, PatternCase } from './pattern-case.ts'
import { randomPattern } from './random-pattern.ts'

/** In a soak; otherwise a tenth. */
const cases = 7000

const flink = new AnsweringProgram('FlinkPatterns', flinkClassPath())
after(() => flink.close())

test('patterns have the matches that they have in Flink', () =>
  forSeeds(
    cases,
    async random => {
      const made = randomPattern(random)
      const gives = givesByAccident(made)
      if (gives === 'others') return gives
      const [one, theirs] = await answered(made, gives !== undefined)
      const [given, expected] = [givenBy(one, ourMatches(asFlinkReads(one))), expectedOf(one, theirs)]
      if (gives === undefined) deepEqual(given, expected)
      if (gives === 'fewer') deepEqual(lacking(given, expected), [])
      if (gives === 'more') deepEqual(lacking(expected, given), [])
      return gives
    },
    all => {
      const shareOf = (isMeant: (gives: unknown) => boolean): number =>
        all.filter(isMeant).length / all.length
      ok(shareOf(gives => gives === undefined) > 0.8, 'most patterns are compared as a whole')
      ok(shareOf(gives => gives === 'others') < 0.1, 'most others are compared in part')
    },
  ))

/**
 * What Flink gives, without the skip strategy if that is up to an accident: a match that should not be there
 * may drop others, and so may one of several that are first.
 */
async function answered(
  made: PatternCase,
  isAccident: boolean,
): Promise<readonly [one: PatternCase, theirs: readonly PatternAnswer[]]> {
  const one: PatternCase = { ...made, afterMatch: 'noSkip' }
  const theirs = await flink.answer<PatternAnswer[]>(one)
  if (made.afterMatch === 'noSkip' || isAccident || haveTies(one, theirs)) return [one, theirs]
  return [made, await flink.answer(made)]
}

/** The results among `expected` that are not given at their event. */
function lacking(given: readonly PatternAnswer[], expected: readonly PatternAnswer[]): string[] {
  return expected.flatMap(({ matches, timedOut }, n) => [
    ...matches.filter(match => !given[n]!.matches.includes(match)),
    ...timedOut.filter(attempt => !given[n]!.timedOut.includes(attempt)),
  ])
}
