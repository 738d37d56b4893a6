/**
 * Programs and inputs at random: each record gives what the reference interpreter says. Kafka Streams agrees
 * with both (test/peers/operators). Crashes and restarts change nothing.
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import type { Random } from '../../src/base/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { TaskHarness } from '../stream/task-harness.ts'
import { interpreted } from './interpreter.ts'
import { Built, ourAnswer } from './our-answer.ts'
import type { Answer, Input, Program } from './program.ts'
import { mayEndRun, randomProgram } from './random-program.ts'
import { randomSteps } from './random-steps.ts'

test('crashes and restarts change nothing', () =>
  forSeeds(10_000, random => {
    const made = randomProgram(random)
    const { program } = made
    // Replays may meet later rows of a global table. A run that ends by itself has no total.
    if (program.operations.some(each => each.on === 'stream and global' || mayEndRun(each))) return
    const steps = randomSteps(random, made)
    const results = throughCrashes(program, steps.flat(), random)
    deepEqual(inTotal(program, [results]), inTotal(program, interpreted(program, steps)))
  }))

/** Runs a program over its inputs in their order, with commits and crashes between them. */
function throughCrashes(program: Program, inputs: readonly Input[], random: Random): Answer {
  const { app } = new Built(program)
  const ofTopics = Map.groupBy(inputs, ({ topic }) => topic)
  const read = program.operations.flatMap(each => (each.on === 'topic' ? [each.topic] : []))
  const harness = new TaskHarness(app, new Map(read.map(topic => [topic, [ofTopics.get(topic) ?? []]])))
  let committed = 0
  for (let n = 0, crashes = 0; n < inputs.length; n += 1) {
    harness.read(
      harness.sources.find(({ topic }) => topic === inputs[n]!.topic)!,
      1,
    )
    const choice = random.int(6)
    if (choice === 0) {
      harness.commit()
      committed = n + 1
    } else if (choice === 1 && crashes < 10) {
      crashes += 1
      harness.restart()
      n = committed - 1
    }
  }
  harness.endExhausted()
  harness.commit()
  const results: Record<string, string[]> = {}
  for (const { topic, key, value, timestamp } of harness.outputs)
    (results[topic] ??= []).push(`${key as string}=${value as number}@${timestamp}`)
  return results
}

/** By output, the results of all steps, in order where one is promised. */
function inTotal(program: Program, answers: readonly Answer[]): unknown {
  const { outputs, unordered } = program
  return outputs.map(output => {
    const results = answers.flatMap(answer => answer[`out-${output}`] ?? [])
    return waits(program, output) || unordered.includes(output) ? results.sort() : results
  })
}

test('each record gives what the reference interpreter says', () =>
  forSeeds(10_000, random => {
    const made = randomProgram(random)
    const { program } = made
    const steps = randomSteps(random, made)
    const [ours, theirs] = [ourAnswer(program, steps), interpreted(program, steps)]
    deepEqual(ours.length, theirs.length)
    // What has gone out when a run ends by itself is a matter of time.
    const isWhole = ours.length > steps.length
    deepEqual(comparable(program, ours, isWhole), comparable(program, theirs, isWhole))
  }))

/** By output, the results of each step; or of all steps together, where the step is a matter of time. */
function comparable(program: Program, answers: readonly Answer[], isWhole: boolean): unknown {
  const { outputs, unordered } = program
  return outputs.map(output => {
    const results = answers.map(answer => answer[`out-${output}`] ?? [])
    if (waits(program, output)) return isWhole ? results.flat().sort() : []
    const ofSteps = results.map(each => (unordered.includes(output) ? each.toSorted() : each))
    return ofSteps.filter(each => each.length > 0)
  })
}

/** Whether the step in which results come is a matter of time. */
function waits(program: Program, position: number): boolean {
  const operation = program.operations[position]!
  if (operation.on === 'windows' && operation.emit === 'final') return true
  if (operation.on === 'joined streams' && operation.op !== 'join') return true
  if (operation.on === 'stream and history' || operation.on === 'suppressed') return true
  return (
    'of' in operation &&
    [operation.of, ...('with' in operation ? [operation.with] : [])].some(of => waits(program, of))
  )
}
