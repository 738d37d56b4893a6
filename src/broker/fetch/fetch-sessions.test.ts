import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/index.ts'
import { FetchSessions } from './fetch-sessions.ts'
import type { PartitionRequest } from './session-partitions.ts'

const rest = { bytesMax: 1000, leaderEpoch: -1, lastFetchedEpoch: -1 }
const ask = (topic: string, index: number, offset = 0): PartitionRequest => ({
  topic,
  index,
  offset,
  ...rest,
})

function start(slots: number, partitionsMax?: number) {
  const time = { ms: 0 }
  const nowMs = (): number => time.ms
  return { time, sessions: new FetchSessions({ slots, partitionsMax, random: seededRandom(1), nowMs }) }
}

test('a session remembers what was asked, what changes, and what is forgotten', () => {
  const { sessions } = start(1)
  const session = sessions.begin(false, [ask('a', 0), ask('a', 1), ask('b', 0)])!
  const { partitions } = session
  equal(session.epoch, 1)
  ok(sessions.advance(session, [ask('a', 1, 7), ask('c', 0)], [{ topic: 'a', index: 0 }]))
  equal(session.epoch, 2)
  deepEqual(
    Array.from(partitions, ({ topic, index, offset }) => [topic, index, offset]),
    [
      ['a', 1, 7],
      ['b', 0, 0],
      ['c', 0, 0],
    ],
  )
  session.epoch = 0x7fff_ffff
  sessions.advance(session, [], [])
  equal(session.epoch, 1)
})

test('a new session takes the slot of the one that was unused for longest, after a while', () => {
  const { sessions, time } = start(2)
  const [first, second] = [sessions.begin(false, [ask('a', 0)])!, sessions.begin(false, [ask('a', 0)])!]
  time.ms = 100_000
  sessions.advance(first, [], [])
  equal(sessions.begin(false, [ask('a', 0)]), undefined)
  time.ms = 130_000
  ok(sessions.begin(false, [ask('a', 0)]))
  equal(sessions.get(second.id), undefined)
  equal(sessions.get(first.id), first)
  equal(sessions.begin(false, [ask('a', 0)]), undefined)
})

test('all sessions together remember a bounded number of partitions', () => {
  const { sessions } = start(10, 5)
  const asked = [ask('a', 0), ask('a', 1), ask('a', 2)]
  const session = sessions.begin(false, asked)!
  equal(sessions.begin(false, asked), undefined)
  const small = sessions.begin(false, [ask('a', 0)])!
  // What it names again counts once.
  ok(sessions.advance(small, [ask('a', 0)], []))
  ok(sessions.advance(small, [ask('a', 0, 5)], []))
  equal(sessions.advance(small, [ask('a', 1), ask('a', 2)], []), false)
  equal(sessions.get(small.id), undefined)
  sessions.end(session.id)
  sessions.end(session.id)
  ok(sessions.begin(false, [...asked, ask('b', 0), ask('b', 1)]))
})
