import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { ErrorCode } from '../../base/index.ts'
import { assignOffsets, RecordBatch } from '../../wire/index.ts'
import { batchOf, failsWith } from '../log.test-support.ts'
import { ProducerState, type Marker, type ReplacedProducer } from './producer-state.ts'
import { ProducerUndo } from './producer-undo.ts'

const producerId = 7
const sequenceMax = 0x7fff_ffff

interface Sent {
  readonly epoch?: number
  readonly sequence: number
  readonly count?: number
  readonly transactional?: boolean
}

/** A log in so far as its producers see it: where it ends. */
class Log {
  readonly state = new ProducerState()
  end = 0

  batch({ epoch = 0, sequence, count = 1, transactional = false }: Sent): RecordBatch {
    const values = Array.from({ length: count }, (_, n) => `${n}`)
    const bytes = batchOf(values, { producerId, producerEpoch: epoch, baseSequence: sequence, transactional })
    assignOffsets(bytes, this.end, 0)
    return new RecordBatch(bytes)
  }

  /** Gives the offset of the original, where it is a duplicate. */
  send(sent: Sent): {
    readonly original: number | undefined
    readonly replaced: ReplacedProducer | undefined
  } {
    const batch = this.batch(sent)
    const original = this.state.check(batch, 'flights-0')
    if (original) return { original: original.firstOffset, replaced: undefined }
    const replaced = this.state.append(batch, 0)
    this.end = batch.nextOffset
    return { original: undefined, replaced }
  }

  mark(type: Marker['type'], epoch = 0): ReturnType<ProducerState['mark']> {
    const marker = { type, producerId, producerEpoch: epoch, coordinatorEpoch: 0 }
    this.state.checkMarker(marker, 'flights-0')
    this.end += 1
    return this.state.mark(marker, this.end - 1, 0)
  }
}

/** What is sent in turn, and the answer: 'new', the offset of the original, or the error. */
type Step = readonly [Sent, 'new' | number | ErrorCode]

async function check(steps: readonly Step[], log = new Log()): Promise<Log> {
  for (const [sent, answer] of steps) {
    if (typeof answer === 'number' || answer === 'new')
      equal(log.send(sent).original, answer === 'new' ? undefined : answer, JSON.stringify(sent))
    else await failsWith(answer, () => log.send(sent))
  }
  return log
}

test('sequences follow each other; what was sent before is known, and a gap refused', async () => {
  await check([
    [{ sequence: 0, count: 3 }, 'new'],
    [{ sequence: 0, count: 3 }, 0],
    [{ sequence: 3 }, 'new'],
    [{ sequence: 0, count: 3 }, 0],
    [{ sequence: 3 }, 3],
    [{ sequence: 5 }, 'OUT_OF_ORDER_SEQUENCE'],
    // The same beginning, and another end.
    [{ sequence: 0, count: 2 }, 'OUT_OF_ORDER_SEQUENCE'],
    [{ sequence: 4 }, 'new'],
  ])
})

test('five batches are remembered', async () => {
  await check([
    ...Array.from({ length: 6 }, (_, sequence): Step => [{ sequence }, 'new']),
    [{ sequence: 0 }, 'OUT_OF_ORDER_SEQUENCE'],
    ...Array.from({ length: 5 }, (_, n): Step => [{ sequence: n + 1 }, n + 1]),
  ])
})

test('sequences continue after 2^31 - 1 with 0, also within a batch', async () => {
  // A producer that is not known may start anywhere.
  await check([
    [{ sequence: sequenceMax - 1, count: 2 }, 'new'],
    [{ sequence: sequenceMax, count: 1 }, 'OUT_OF_ORDER_SEQUENCE'],
    [{ sequence: 0 }, 'new'],
    [{ sequence: sequenceMax - 1, count: 2 }, 0],
  ])
  await check([
    [{ sequence: sequenceMax - 1, count: 5 }, 'new'],
    [{ sequence: 2 }, 'OUT_OF_ORDER_SEQUENCE'],
    [{ sequence: 3 }, 'new'],
    [{ sequence: sequenceMax - 1, count: 5 }, 0],
  ])
})

test('a new epoch begins at 0, and fences the ones before', async () => {
  await check([
    [{ sequence: 0 }, 'new'],
    [{ epoch: 1, sequence: 1 }, 'OUT_OF_ORDER_SEQUENCE'],
    [{ epoch: 1, sequence: 0 }, 'new'],
    [{ epoch: 0, sequence: 1 }, 'PRODUCER_FENCED'],
    [{ epoch: 0, sequence: 0 }, 'PRODUCER_FENCED'],
    [{ epoch: 1, sequence: 0 }, 1],
  ])
})

test('a fence refuses older epochs before anything of the new one is there', async () => {
  const log = new Log()
  await check([[{ sequence: 0 }, 'new']], log)
  log.state.fence(producerId, 2)
  log.state.fence(producerId, 1)
  await check(
    [
      [{ epoch: 0, sequence: 1 }, 'PRODUCER_FENCED'],
      [{ epoch: 1, sequence: 0 }, 'PRODUCER_FENCED'],
      [{ epoch: 2, sequence: 0 }, 'new'],
    ],
    log,
  )
})

test('a transaction reaches from its first batch to its marker', async () => {
  const log = new Log()
  log.end = 10
  await check(
    [
      [{ sequence: 0, transactional: true }, 'new'],
      [{ sequence: 1, transactional: true }, 'new'],
      [{ sequence: 2 }, 'INVALID_TXN_STATE'],
    ],
    log,
  )
  deepEqual(log.state.openTransactions(), [{ producerId, producerEpoch: 0, firstOffset: 10 }])
  equal(log.state.firstOpenOffset, 10)
  const { ended } = log.mark('abort')
  deepEqual(ended, { producerId, firstOffset: 10, lastOffset: 12, lastStableOffset: 13 })
  equal(log.state.firstOpenOffset, undefined)
  // The epoch continues with its sequences, and a marker without a transaction ends none.
  await check([[{ sequence: 2, transactional: false }, 'new']], log)
  equal(log.mark('commit').ended, undefined)
})

test('a marker of a later epoch fences what comes late; one of an earlier epoch is refused', async () => {
  const log = await check([[{ sequence: 0, transactional: true }, 'new']])
  log.mark('abort', 1)
  await check([[{ epoch: 0, sequence: 1, transactional: true }, 'PRODUCER_FENCED']], log)
  await failsWith('PRODUCER_FENCED', () => log.mark('commit', 0))
  await check([[{ epoch: 1, sequence: 0, transactional: true }, 'new']], log)
})

test('what is taken back was never there', async () => {
  const log = await check([[{ sequence: 0 }, 'new']])
  const undo = new ProducerUndo()
  undo.add(log.send({ sequence: 1, transactional: true }).replaced!)
  undo.add(log.mark('abort', 1).replaced)
  undo.add(log.send({ epoch: 1, sequence: 0, transactional: true }).replaced!)
  equal(log.state.firstOpenOffset, 3)
  equal([...undo.entries()].length, 1)
  log.state.rollBack(undo.entries())
  log.end = 1
  equal(log.state.firstOpenOffset, undefined)
  await check(
    [
      [{ sequence: 0 }, 0],
      [{ sequence: 1 }, 'new'],
    ],
    log,
  )
})

test('a producer that was silent is forgotten, unless its transaction is open', () => {
  for (const transactional of [false, true]) {
    const log = new Log()
    log.state.append(log.batch({ sequence: 0, transactional }), 1000)
    log.state.expire(1000)
    equal(log.state.get(producerId)?.epoch, 0)
    log.state.expire(1001)
    equal(log.state.get(producerId) !== undefined, transactional)
  }
})
