/**
 * Which batches of a fetch are shown: drawn as a row of batches, `7` by producer 7, `a7` and `c7` its
 * markers.
 */
import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { assignOffsets, BatchBuilder, controlBatch, RecordBatch } from '../../wire/index.ts'
import { AbortedFilter } from './aborted-filter.ts'

/** A batch of one record at the offset: `a7`, `c7`, `7`, or `7!` for one outside of transactions. */
function batchOf(what: string, baseOffset: number): RecordBatch {
  const producerId = Number(what.replace(/\D/g, ''))
  if (/^[ac]/.test(what)) {
    const type = what.startsWith('a') ? 'abort' : 'commit'
    const marker = {
      type,
      producerId,
      producerEpoch: 0,
      coordinatorEpoch: 0,
      timestamp: 0,
      baseOffset,
    } as const
    return new RecordBatch(Buffer.from(controlBatch(marker)))
  }
  const builder = new BatchBuilder()
  builder.append(0, null, what)
  const bytes = builder.build({ producerId, producerEpoch: 0, transactional: !what.endsWith('!') })
  assignOffsets(bytes, baseOffset, 0)
  return new RecordBatch(bytes)
}

/** `shown`: the offsets that are admitted. Aborted transactions as `producer@first offset`. */
function check(batches: string, aborted: string, shown: string): void {
  const transactions = aborted
    .split(' ')
    .filter(Boolean)
    .map(each => {
      const [producerId = 0, firstOffset = 0] = each.split('@').map(Number)
      return { producerId, firstOffset }
    })
  const filter = new AbortedFilter(transactions)
  const admitted = batches
    .split(' ')
    .map((what, offset) => ({ offset, admits: filter.admits(batchOf(what, offset)) }))
    .filter(({ admits }) => admits)
  equal(admitted.map(({ offset }) => offset).join(' '), shown)
}

test('markers are never shown', () => check('7 c7 7 c7', '', '0 2'))
test('an aborted transaction is left out up to its marker', () => check('7 7 a7 7 c7', '7@0', '3'))
test('a transaction of another producer in between is shown', () => check('7 8 7 c8 a7', '7@0', '1'))
test('what a producer wrote outside of transactions is shown', () => check('7 7! a7', '7@0', '1'))
test('one after the other, in any order of the list', () => check('7 a7 8 a8 7 c7', '8@2 7@0', '4'))
test('under read_uncommitted nothing but markers is left out', () => check('7 a7 8 c8', '', '0 2'))
