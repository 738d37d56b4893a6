/**
 * Programs and inputs at random, through crashes and restarts: in total they give what the reference
 * interpreter says.
 */
import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../src/base/index.ts'
import { randomOptions, runThroughCrashes } from '../app/crashing-run.ts'
import { forSeeds } from '../for-seeds.ts'
import { inTotal } from './comparable.ts'
import { interpreted } from './interpreter.ts'
import { Built } from './our-answer.ts'
import type { Input } from './program.ts'
import { mayEndRun, randomProgram } from './random-program.ts'
import { firstTimes } from './random-shape.ts'
import { randomSteps } from './random-steps.ts'
import { throughCrashes } from './through-crashes.ts'

test('crashes and restarts change nothing', () =>
  forSeeds(10_000, (random, seed) => {
    const made = randomProgram(random, seed % 2 === 0)
    const { program } = made
    // Replays may meet later rows of a global table. A run that ends by itself has no total.
    if (program.operations.some(each => each.on === 'stream and global' || mayEndRun(each))) return
    const steps = randomSteps(random, made)
    const results = throughCrashes(program, steps.flat(), random)
    deepEqual(inTotal(program, [results]), inTotal(program, interpreted(program, steps)))
  }))

// In programs of other seeds they are rare.
for (const seed of [959_976, 965_870])
  test(`records that were held back are joined as of their time, seed ${seed}`, () => {
    const random = seededRandom(seed)
    const made = randomProgram(random, true)
    const { program } = made
    const kinds = program.operations.map(({ on }) => on)
    ok(kinds.includes('suppressed') && kinds.includes('stream and history'), 'the seed gives such a program')
    const steps = randomSteps(random, made)
    deepEqual(
      inTotal(program, [throughCrashes(program, steps.flat(), random)]),
      inTotal(program, interpreted(program, steps)),
    )
  })

test('losses of power change nothing', () =>
  forSeeds(1000, async (random, seed) => {
    const made = randomProgram(random, seed % 2 === 0)
    const { program, topics } = made
    // A log has no order between topics. How many changes are held back depends on timing.
    if (topics.length > 1 || program.operations.some(({ on }) => on === 'suppressed')) return
    // A producer sends no text without a key.
    const steps = randomSteps(random, made).map(step => step.filter(({ key }) => key !== null))
    if (isAhead(steps.flat())) return
    const { app, sources, outputs } = new Built(program)
    const published = topics.map(topic => [
      sources.get(topic)!,
      steps.flat().map(({ key, value, timestamp }) => ({ key, value, timestamp })),
    ])
    const written = await runThroughCrashes(
      app,
      published as never,
      Object.fromEntries(outputs.map(output => [output.name, output])),
      randomOptions(random),
      random,
    )
    const results = Object.entries(written).map(([name, records]) => [
      name,
      records.map(([key, value, timestamp]) => `${key as string}=${value as number}@${timestamp}`),
    ])
    deepEqual(inTotal(program, [Object.fromEntries(results)]), inTotal(program, interpreted(program, steps)))
  }))

/** A run refuses records from the end of time. */
function isAhead(inputs: readonly Input[]): boolean {
  return inputs.some(({ timestamp }) => timestamp > firstTimes[0] + 1e6)
}
