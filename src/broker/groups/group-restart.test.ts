/** What the coordinator of groups knows after a restart. */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../../test/is-code.ts'
import { Coordinator, rebalanceMs } from './group-coordinator.test-support.ts'

test('after a restart clients continue; members in process are gone', async () => {
  const before = new Coordinator()
  const [one, two] = await before.stableTwo({ clientHost: 'in process' })
  const after = new Coordinator({}, before)
  equal(after.state, 'PreparingRebalance')
  throws(() => after.commit(two), isCode('UNKNOWN_MEMBER_ID'))
  after.commit(one)
  const again = await after.join({ memberId: one.memberId })
  deepEqual([again.generation, again.members.length], [3, 1])
})

test('after a restart a group of clients is as it was, and their sessions begin', async () => {
  const before = new Coordinator()
  const [one, two] = await before.stableTwo()
  const after = new Coordinator({}, before)
  equal(after.state, 'Stable')
  after.commit(one)
  equal(Buffer.from((await after.sync(two)).assignment).toString(), 'b')
  await after.clock.advance(3 * rebalanceMs)
  equal(after.groups.members('g'), 0)
})

test('no generation is given twice, however often the broker starts', async () => {
  let it = new Coordinator()
  const seen: number[] = []
  for (let run = 0; run < 4; run += 1) {
    seen.push((await it.stable({ clientHost: 'in process' })).generation)
    it = new Coordinator({}, it)
  }
  deepEqual(seen, [1, 2, 3, 4])
})
