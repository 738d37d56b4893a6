/** Inputs at random, in disorder, with ties, deletions, null keys and equal values. No record is late. */
import type { Random } from '../../src/base/index.ts'
import { type Input, streamTopics } from './program.ts'

/** Larger than any window. */
const firstTime = 1000

/** `outOfOrderness`: of each topic, as for its watermark. */
export function randomInputs(
  random: Random,
  topics: readonly Input['topic'][],
  outOfOrderness: number,
): Input[] {
  const [count, span] = [1 + random.int(40), 20 + random.int(200)]
  return Array.from({ length: count }, (_, n) => {
    const topic = topics[random.int(topics.length)]!
    const isStream = streamTopics.some(each => each === topic)
    return {
      topic,
      key: isStream && random.int(12) === 0 ? null : 'abcd'[random.int(4)]!,
      value: random.int(8) === 0 ? null : random.int(random.int(2) === 0 ? 4 : 60),
      timestamp: firstTime + Math.floor((n * span) / count) - random.int(outOfOrderness + 1),
    }
  })
}
