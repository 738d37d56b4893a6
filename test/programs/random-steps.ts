/** Inputs at random, with disorder, ties, deletions, null keys, equal values, odd keys and extreme times. */
import type { Random } from '../../src/base/index.ts'
import { beat, historyTopic, type InputTopic, type Step, streamTopics } from './program.ts'
import type { RandomProgram } from './random-program.ts'
import { keySets, long, randomShape, usually } from './random-shape.ts'

/**
 * In Kafka Streams an operator knows the time by the records that reach it; in millrace, by the watermarks of
 * its sources. So where an operator that depends on time might miss a record, a step of records that all
 * operators see tells it first.
 */
export function randomSteps(
  random: Random,
  { program, topics, hidesTime, alsoUnlikeKafka }: RandomProgram,
): Step[] {
  const timed = topics.filter(topic => isStream(topic) || topic === historyTopic)
  const tables = topics.filter(topic => !isStream(topic))
  const beats = (to: typeof topics, timestamp: number): Step =>
    to.map(topic => ({ topic, key: beat, value: 0, timestamp }))
  // In Kafka Streams no window begins before 1970, nor does what a join looks at.
  const looksBack = program.operations.some(({ on }) => on === 'windows' || on === 'joined streams')
  const limits = { count: 40, span: 200, disorder: 40, unit: 1, maySeeFirstDay: !looksBack }
  const { count, firstTime, timeOf, ...shape } = randomShape(random, limits)
  const steps = [beats(tables, firstTime)]
  // A change with an empty key may have one byte, which is the bound of bytes.
  const isBounded = program.operations.some(each => each.on === 'suppressed' && 'maxBytes' in each.bound)
  const keys = isBounded ? keySets[0] : shape.keys
  const nulls = usually(random, [8, 2])
  const changed = new Set<string>()
  let latest = Number.NEGATIVE_INFINITY
  for (let n = 0; n < count; n += 1) {
    const topic = topics[random.int(topics.length)]!
    const key = isStream(topic) && random.int(12) === 0 ? null : keys[random.int(keys.length)]!
    const timestamp = timeOf(n)
    // Kafka Streams forgets the deletion of a version, once an older change of its row comes.
    const change = `${topic} ${key} ${timestamp}`
    const mayDelete = alsoUnlikeKafka || topic !== historyTopic || !changed.has(change)
    changed.add(change)
    const value = mayDelete && random.int(nulls) === 0 ? null : random.int(random.int(2) === 0 ? 4 : 60)
    const isHidden = hidesTime || timed.length > 1 || key === null || value === null
    if (timed.includes(topic) && timestamp > latest) {
      if (isHidden) steps.push(beats(timed, timestamp))
      latest = timestamp
    }
    steps.push([{ topic, key, value, timestamp }])
  }
  return [...steps, beats(timed, Math.max(firstTime, latest) + long)]
}

function isStream(topic: InputTopic): boolean {
  return streamTopics.some(stream => stream === topic)
}
