/** Sequence numbers: one after the other in each partition, and from 0 with each epoch. */
import { deepEqual, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { ProducerSequences } from './producer-sequences.ts'

const identity = { producerId: 7, producerEpoch: 0 }

test('each partition counts its own records', () => {
  const sequences = new ProducerSequences<string>(identity)
  deepEqual(
    [sequences.take('a', 3), sequences.take('b', 1), sequences.take('a', 2)].map(
      ({ baseSequence }) => baseSequence,
    ),
    [0, 0, 3],
  )
})

test('0 follows the largest number', () => {
  const sequences = new ProducerSequences<string>(identity)
  sequences.take('a', 2 ** 31 - 2)
  deepEqual(sequences.take('a', 5), { ...identity, baseSequence: 2 ** 31 - 2 })
  deepEqual(sequences.take('a', 1), { ...identity, baseSequence: 3 })
})

test('what was given back is taken again', () => {
  const sequences = new ProducerSequences<string>(identity)
  sequences.take('a', 3)
  sequences.take('a', 2)
  sequences.giveBack('a', 2)
  deepEqual(sequences.take('a', 1), { ...identity, baseSequence: 3 })
  throws(() => sequences.giveBack('b', 1), /taken/)
})

test('a new epoch starts at 0', () => {
  const sequences = new ProducerSequences<string>(identity)
  sequences.take('a', 3)
  sequences.continueAs({ producerId: 7, producerEpoch: 1 })
  deepEqual(sequences.take('a', 1), { producerId: 7, producerEpoch: 1, baseSequence: 0 })
})
