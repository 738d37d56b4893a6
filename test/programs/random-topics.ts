/** Topics at random that a program reads. */
import type { Random } from '../../src/base/index.ts'
import {
  type HistoryOperation,
  historyTopic,
  streamTopics,
  tableTopics,
  type TopicOperation,
} from './program.ts'

export function randomStream(random: Random): TopicOperation {
  return { on: 'topic', op: 'stream', topic: streamTopics[random.int(streamTopics.length)]! }
}

export function randomTable(random: Random): TopicOperation {
  if (random.int(4) === 0) return randomHistory(random)
  return { on: 'topic', op: 'table', topic: tableTopics[random.int(tableTopics.length)]! }
}

export function randomHistory(random: Random): HistoryOperation {
  const lateness = random.int(2) === 0 ? 0 : random.int(30)
  return { on: 'topic', op: 'history', topic: historyTopic, history: 1 + random.int(20), lateness }
}
