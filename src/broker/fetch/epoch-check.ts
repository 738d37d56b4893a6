/**
 * Leader epochs that clients state (KIP-320): one that is not the present one tells of a change of leader.
 */
import { MillraceError } from '../../base/index.ts'
import type { Partition } from '../../log/index.ts'

const unstated = -1

/**
 * Checks the leader epoch that a client states; -1: it states none.
 * @throws MillraceError FENCED_LEADER_EPOCH: it is older than the present one; UNKNOWN_LEADER_EPOCH: newer
 */
export function checkEpoch({ epochs, name }: Partition, epoch: number): void {
  if (epoch === unstated || epoch === epochs.latest) return
  throw new MillraceError(
    epoch < epochs.latest ? 'FENCED_LEADER_EPOCH' : 'UNKNOWN_LEADER_EPOCH',
    `${name} is in leader epoch ${epochs.latest}, not ${epoch}: ask for the metadata again.`,
    { retriable: true },
  )
}
