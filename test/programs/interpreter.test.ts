/**
 * Programs and inputs at random: each record gives what the reference interpreter says. Kafka Streams agrees
 * with both (test/peers/operators).
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../for-seeds.ts'
import { ofSteps } from './comparable.ts'
import { interpreted } from './interpreter.ts'
import { ourAnswer } from './our-answer.ts'
import { randomProgram } from './random-program.ts'
import { randomSteps } from './random-steps.ts'

test('each record gives what the reference interpreter says', () =>
  forSeeds(10_000, (random, seed) => {
    const made = randomProgram(random, seed % 2 === 0)
    const { program } = made
    const steps = randomSteps(random, made)
    const [ours, theirs] = [ourAnswer(program, steps), interpreted(program, steps)]
    deepEqual(ours.length, theirs.length)
    // What has gone out when a run ends by itself is a matter of time.
    const isWhole = ours.length > steps.length
    deepEqual(ofSteps(program, ours, isWhole), ofSteps(program, theirs, isWhole))
  }))
