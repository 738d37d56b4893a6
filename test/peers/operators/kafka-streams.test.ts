/**
 * Programs and inputs at random, through Kafka Streams and through millrace: each record gives the same
 * results, in the same order, with the same timestamps. Where the two differ on purpose, the comparison
 * computes what millrace should give (deliberate-differences.ts).
 */
import { deepEqual } from 'node:assert/strict'
import { after, test } from 'node:test'
import { forSeeds } from '../../for-seeds.ts'
import { AnsweringProgram } from '../answering-program.ts'
import { kafkaClassPath } from '../install.ts'
import { expectedOf, givenBy } from './deliberate-differences.ts'
import { ourAnswer } from '../../programs/our-answer.ts'
import { type Answer, beat } from '../../programs/program.ts'
import { randomProgram } from '../../programs/random-program.ts'
import { randomSteps } from '../../programs/random-steps.ts'

/** In a soak; otherwise a tenth. */
const programs = 5000

const kafkaStreams = new AnsweringProgram('StreamsPrograms', kafkaClassPath())
after(() => kafkaStreams.close())

test('each record gives what it gives in Kafka Streams', () =>
  forSeeds(programs, async random => {
    const made = randomProgram(random)
    const { program } = made
    const steps = randomSteps(random, made)
    const ours = ourAnswer(program, steps)
    const theirs = await kafkaStreams.answer<Answer[]>({ program, steps })
    // Kafka Streams knows no end of time. A beat that exceeds a bound of changes ends our run. In Kafka
    // Streams its time lets changes go first.
    const isFull = steps[ours.length]?.[0]?.key === beat
    const compared = isFull ? ours.length : steps.length
    deepEqual(givenBy(program, ours.slice(0, compared)), expectedOf(program, theirs.slice(0, compared)))
  }))
