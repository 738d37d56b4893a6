/** Runs a program over its inputs in their order; commits and crashes come between, also during commits. */
import type { Random } from '../../src/base/index.ts'
import { TaskHarness } from '../stream/task-harness.ts'
import { tinyState } from '../tiny-limits.ts'
import { Built } from './our-answer.ts'
import type { Answer, Input, Program } from './program.ts'

const crashesMax = 10

export function throughCrashes(program: Program, inputs: readonly Input[], random: Random): Answer {
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
