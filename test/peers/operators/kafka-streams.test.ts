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
import type { Answer } from '../../programs/program.ts'
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
    // Kafka Streams knows no end of time.
    const ours = ourAnswer(program, steps).slice(0, -1)
    const theirs = await kafkaStreams.answer<Answer[]>({ program, steps })
    deepEqual(givenBy(program, ours), expectedOf(program, theirs))
  }))
