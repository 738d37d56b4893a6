import { throws } from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../../test/is-code.ts'
import { LeaderEpochs } from '../../log/epochs/leader-epochs.ts'
import type { Partition } from '../../log/index.ts'
import { checkEpoch } from './epoch-check.ts'

test('a leader epoch that is not the present one is refused', () => {
  const partition = {
    name: 'orders-0',
    epochs: new LeaderEpochs([{ epoch: 3, startOffset: 0 }]),
  } as Partition
  checkEpoch(partition, -1)
  checkEpoch(partition, 3)
  throws(() => checkEpoch(partition, 2), isCode('FENCED_LEADER_EPOCH'))
  throws(() => checkEpoch(partition, 4), isCode('UNKNOWN_LEADER_EPOCH'))
})
