import { deepEqual } from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { CommittedOffsets } from './committed-offsets.ts'
import type { AppendedOffset } from './pending-offsets.ts'

const partition = { topic: 't', partition: 0 }
let ids: Record<string, string>
let committed: CommittedOffsets
beforeEach(() => {
  ids = { t: 'first' }
  committed = new CommittedOffsets(topic => ids[topic])
})

function offset(appendedAt: number, topicId: string | undefined = 'first'): AppendedOffset {
  const stored = { ...partition, offset: 100 + appendedAt, leaderEpoch: -1, metadata: '', committedMs: 0 }
  return { ...stored, topicId, appendedAt }
}

test('of two offsets the one appended later counts, in whichever order they come', () => {
  committed.keep('g', offset(7))
  committed.keep('g', offset(5))
  deepEqual(committed.get('g', partition), offset(7))
})

test('a deletion leaves what was appended after it', () => {
  committed.keep('g', offset(7))
  committed.drop('g', [partition], 6)
  deepEqual(committed.of('g'), [offset(7)])
  committed.drop('g', [partition], 8)
  deepEqual([...committed.groups()], [])
})

test('offsets of a deleted topic do not count for a new one of its name, and give way to its offsets', () => {
  committed.keep('g', offset(7))
  ids = { t: 'second' }
  deepEqual([committed.get('g', partition), committed.of('g')], [undefined, []])
  deepEqual(committed.all('g'), [offset(7)])
  committed.keep('g', offset(8))
  deepEqual(committed.of('g'), [])
  committed.keep('g', offset(6, 'second'))
  deepEqual(committed.of('g'), [offset(6, 'second')])
})

test('an offset of 0.1.0, without the id of its topic, counts', () => {
  committed.keep('g', { ...offset(7), topicId: undefined })
  ids = { t: 'second' }
  deepEqual(committed.get('g', partition)?.offset, 107)
})
