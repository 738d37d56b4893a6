/**
 * Programs and inputs at random, through crashes and restarts: in total they give what the reference
 * interpreter says.
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import type { Random } from '../../src/base/index.ts'
import { randomOptions, runThroughCrashes } from '../app/crashing-run.ts'
import { forSeeds } from '../for-seeds.ts'
import { TaskHarness } from '../stream/task-harness.ts'
import { tinyState } from '../tiny-limits.ts'
import { inTotal } from './comparable.ts'
import { interpreted } from './interpreter.ts'
import { Built } from './our-answer.ts'
import type { Answer, Input, Program } from './program.ts'
import { mayEndRun, randomProgram } from './random-program.ts'
import { firstTimes } from './random-shape.ts'
import { randomSteps } from './random-steps.ts'

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

const crashesMax = 10

/** Runs a program over its inputs in their order; commits and crashes come between, also during commits. */
function throughCrashes(program: Program, inputs: readonly Input[], random: Random): Answer {
  const { app } = new Built(program)
  const ofTopics = Map.groupBy(inputs, ({ topic }) => topic)
  const read = program.operations.flatMap(each => (each.on === 'topic' ? [each.topic] : []))
  const harness = new TaskHarness(app, new Map(read.map(topic => [topic, [ofTopics.get(topic) ?? []]])), {
    state: tinyState(random),
  })
  let committed = 0
  let begun: number | undefined
  let crashes = 0
  for (let n = 0; n < inputs.length; n += 1) {
    harness.read(
      harness.sources.find(({ topic }) => topic === inputs[n]!.topic)!,
      1,
    )
    if (begun !== undefined && random.int(3) === 0) {
      harness.endCommit()
      committed = begun
      begun = undefined
    } else if (begun === undefined && random.int(5) === 0) {
      harness.beginCommit()
      begun = n + 1
    } else if (crashes < crashesMax && random.int(Math.max(6, Math.ceil(inputs.length / crashesMax))) === 0) {
      crashes += 1
      harness.restart()
      begun = undefined
      n = committed - 1
    }
  }
  harness.endExhausted()
  if (begun !== undefined) harness.endCommit()
  harness.commit()
  const results: Record<string, string[]> = {}
  for (const { topic, key, value, timestamp } of harness.outputs)
    (results[topic] ??= []).push(`${key as string}=${value as number}@${timestamp}`)
  return results
}

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
