import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { stateOf } from '../../port/conformance/harness.ts'
import { PendingOffsets, type PendingOffset } from './pending-offsets.ts'

const p0 = { topic: 't', partition: 0 }
const held: PendingOffset = {
  group: 'g',
  offset: {
    ...p0,
    offset: 5,
    leaderEpoch: -1,
    metadata: '',
    committedMs: 0,
    topicId: undefined,
    appendedAt: 0,
  },
}

test('a lookup waits for every transaction that holds an offset of its group and partitions, and no other', async () => {
  const pending = new PendingOffsets()
  pending.add(1, held)
  pending.add(2, held)
  const asked = pending.settled('g', [{ topic: 't', partition: 1 }, p0])
  await pending.settled('g', [{ topic: 't', partition: 1 }])
  await pending.settled('other', [p0])
  deepEqual(pending.settle(1), [held])
  equal(await stateOf(asked), 'pending')
  deepEqual(pending.settle(2), [held])
  await asked
  equal(pending.settle(2), undefined)
  equal(pending.isEmpty, true)
})

test('a transaction that cannot end refuses lookups until it can', async () => {
  const pending = new PendingOffsets()
  pending.add(1, held)
  const asked = pending.settled('g', [p0])
  pending.held(1, new Error('no room'))
  await rejects(asked, /no room/)
  await rejects(pending.settled('g', [p0]), /no room/)
  pending.settle(1)
  await pending.settled('g', [p0])
  pending.add(1, held)
  const last = pending.settled('g', [p0])
  pending.undecided(1, new Error('the disk failed'))
  await rejects(last, /the disk failed/)
})
