/**
 * Programs and inputs at random, through Kafka Streams and through millrace: each record gives the same
 * results, in the same order, with the same timestamps. Where the two differ on purpose, the comparison
 * computes what millrace should give (deliberate-differences.ts).
 */
import { deepEqual, ok } from 'node:assert/strict'
import { after, test } from 'node:test'
import { MillraceError } from '../../../src/base/index.ts'
import { forSeeds } from '../../for-seeds.ts'
import { AnsweringProgram } from '../answering-program.ts'
import { kafkaClassPath } from '../install.ts'
import { expectedOf, givenBy } from './deliberate-differences.ts'
import { ourAnswer } from '../../programs/our-answer.ts'
import type { Answer, Program, Step } from '../../programs/program.ts'
import { randomProgram } from '../../programs/random-program.ts'
import { randomSteps } from '../../programs/random-steps.ts'

/** In a soak; otherwise a tenth. */
const programs = 5000

const kafkaStreams = new AnsweringProgram('StreamsPrograms', kafkaClassPath())
after(() => kafkaStreams.close())

/** Undefined: millrace refuses the program. It joins the two ends of an exchange, and is told what to do. */
function answerOrRefusal(program: Program, steps: readonly Step[]): Answer[] | undefined {
  try {
    return ourAnswer(program, steps)
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'INVALID_TOPOLOGY') return undefined
    throw error
  }
}

test('each record gives what it gives in Kafka Streams', () =>
  forSeeds(
    programs,
    async random => {
      const made = randomProgram(random)
      const { program } = made
      const steps = randomSteps(random, made)
      const ours = answerOrRefusal(program, steps)
      const theirs = await kafkaStreams.answer<Answer[]>({ program, steps })
      // Kafka Streams knows no end of time.
      if (ours) deepEqual(givenBy(program, ours.slice(0, -1)), expectedOf(program, theirs))
      return ours
    },
    answers => {
      const refused = answers.filter(answer => answer === undefined).length
      ok(refused <= answers.length / 100, `${refused} programs are refused`)
    },
  ))
