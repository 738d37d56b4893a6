/** Inputs at random, with disorder, ties, deletions, null keys and equal values. */
import type { Random } from '../../src/base/index.ts'
import { beat, historyTopic, type InputTopic, type Step, streamTopics } from './program.ts'
import type { RandomProgram } from './random-program.ts'

/** Larger than any window, so that none begins before 1970, where Kafka Streams has none. */
const firstTime = 1000

/**
 * In Kafka Streams an operator knows the time by the records that reach it; in millrace, by the watermarks of
 * its sources. So where an operator that depends on time might miss a record, a step of records that all
 * operators see tells it first.
 */
export function randomSteps(random: Random, { topics, hidesTime }: RandomProgram): Step[] {
  const timed = topics.filter(topic => isStream(topic) || topic === historyTopic)
  const tables = topics.filter(topic => !isStream(topic))
  const beats = (to: typeof topics, timestamp: number): Step =>
    to.map(topic => ({ topic, key: beat, value: 0, timestamp }))
  const steps = [beats(tables, firstTime)]
  const [span, disorder] = [20 + random.int(200), random.int(40)]
  const count = random.int(40)
  let latest = 0
  for (let n = 0; n < count; n += 1) {
    const topic = topics[random.int(topics.length)]!
    const key = isStream(topic) && random.int(12) === 0 ? null : 'abcd'[random.int(4)]!
    const value = random.int(8) === 0 ? null : random.int(random.int(2) === 0 ? 4 : 60)
    const timestamp = firstTime + Math.floor((n * span) / count) - random.int(disorder + 1)
    const isHidden = hidesTime || timed.length > 1 || key === null || value === null
    if (timed.includes(topic) && timestamp > latest) {
      if (isHidden) steps.push(beats(timed, timestamp))
      latest = timestamp
    }
    steps.push([{ topic, key, value, timestamp }])
  }
  return [...steps, beats(timed, latest + firstTime)]
}

function isStream(topic: InputTopic): boolean {
  return streamTopics.some(stream => stream === topic)
}
