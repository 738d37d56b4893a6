import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { fromUtf8 } from './bytes.ts'
import { murmur2, murmur2OfBinary, partitionFor, partitionForBinary } from './murmur2.ts'

// What Apache Kafka's own client gives for these keys.
const known: readonly [key: string, hash: number][] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
]

test("hashes are those of Kafka's clients, over bytes and over binary strings", () => {
  for (const [key, hash] of known) {
    equal(murmur2(fromUtf8(key)), hash)
    equal(murmur2OfBinary(key), hash)
  }
})

test('a partition is the same either way, also for bytes above 127 and the empty key', () => {
  for (const key of ['', 'é', 'DFW', '\u00ff\u0080\u0001'])
    equal(partitionForBinary(key, 7), partitionFor(Buffer.from(key, 'latin1'), 7))
})
