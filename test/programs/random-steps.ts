/** Inputs at random, with disorder, ties, deletions, null keys, equal values, odd keys and extreme times. */
import type { Random } from '../../src/base/index.ts'
import { timestampMax } from '../../src/port/index.ts'
import { beat, historyTopic, type InputTopic, type Step, streamTopics } from './program.ts'
import type { RandomProgram } from './random-program.ts'

/** Longer than anything waits. */
const long = 1000

/** Kinds of inputs; the usual ones come first. */
const keySets: readonly [readonly string[], ...(readonly string[])[]] = [
  ['a', 'b', 'c', 'd'],
  ['a', '', 'b', ' '],
  // Two forms of one letter, and two keys whose order in bytes is not that in UTF-16.
  ['\u00e9', 'e\u0301', '\uffff', '\u{1f600}'],
  ['a'],
]

/**
 * In Kafka Streams an operator knows the time by the records that reach it; in millrace, by the watermarks of
 * its sources. So where an operator that depends on time might miss a record, a step of records that all
 * operators see tells it first.
 */
export function randomSteps(random: Random, { program, topics, hidesTime }: RandomProgram): Step[] {
  const timed = topics.filter(topic => isStream(topic) || topic === historyTopic)
  const tables = topics.filter(topic => !isStream(topic))
  const beats = (to: typeof topics, timestamp: number): Step =>
    to.map(topic => ({ topic, key: beat, value: 0, timestamp }))
  // In Kafka Streams no window begins before 1970, nor does what a join looks at.
  const looksBack = program.operations.some(({ on }) => on === 'windows' || on === 'joined streams')
  const firstTime = usually(random, [long, looksBack ? long : 0, timestampMax - 10 * long])
  const steps = [beats(tables, firstTime)]
  const [span, disorder] = usually(random, [
    [20 + random.int(200), random.int(40)],
    [0, 0],
  ])
  const count = random.int(8) === 0 ? 200 : random.int(40)
  // A change with an empty key may have one byte, which is the bound of bytes.
  const isBounded = program.operations.some(each => each.on === 'suppressed' && 'maxBytes' in each.bound)
  const keys = isBounded ? keySets[0] : usually(random, keySets)
  const nulls = usually(random, [8, 2])
  let latest = Number.NEGATIVE_INFINITY
  for (let n = 0; n < count; n += 1) {
    const topic = topics[random.int(topics.length)]!
    const key = isStream(topic) && random.int(12) === 0 ? null : keys[random.int(keys.length)]!
    const value = random.int(nulls) === 0 ? null : random.int(random.int(2) === 0 ? 4 : 60)
    const timestamp = Math.max(0, firstTime + Math.floor((n * span) / count) - random.int(disorder + 1))
    const isHidden = hidesTime || timed.length > 1 || key === null || value === null
    if (timed.includes(topic) && timestamp > latest) {
      if (isHidden) steps.push(beats(timed, timestamp))
      latest = timestamp
    }
    steps.push([{ topic, key, value, timestamp }])
  }
  return [...steps, beats(timed, Math.max(firstTime, latest) + long)]
}

/** Mostly the first. */
function usually<T>(random: Random, all: readonly [T, ...T[]]): T {
  return random.int(2) === 0 ? all[0] : all[random.int(all.length)]!
}

function isStream(topic: InputTopic): boolean {
  return streamTopics.some(stream => stream === topic)
}
