import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bufferOf } from '../../base/index.ts'
import { decodeOffsetKey, decodeOffsetValue, encodeOffsetKey, encodeOffsetValue } from './stored-offset.ts'

const hex = (bytes: Uint8Array): string => bufferOf(bytes).toString('hex')

/** Hex, field by field. */
const bytes = (...fields: string[]): string => fields.join('')

test('offsets are stored as Kafka writes them', () => {
  const key = encodeOffsetKey('g', { topic: 'tt', partition: 3 })
  assert.equal(hex(key), bytes('0001', '000167', '00027474', '00000003'))
  assert.deepEqual(decodeOffsetKey(key), { group: 'g', topic: 'tt', partition: 3 })
  const offset = { offset: 2 ** 40, leaderEpoch: 4, metadata: 'ä', committedMs: 1 }
  const fields = ['0003', '0000010000000000', '00000004', '0002c3a4', '0000000000000001']
  const topicId = 'AAECAwQFBgcICQoLDA0ODw'
  // As 0.1.0 wrote them, and with the topic's id behind them.
  for (const [id, more] of [
    [undefined, ''],
    [topicId, '000102030405060708090a0b0c0d0e0f'],
  ] as const) {
    const value = encodeOffsetValue({ topic: 'tt', partition: 3, ...offset, topicId: id })
    assert.equal(hex(value), bytes(...fields, more))
    assert.deepEqual(decodeOffsetValue(value), { ...offset, topicId: id })
  }
  // Version 1, which older brokers wrote: no leader epoch, a time of expiry at the end.
  const version1 = bytes('0001', '0000000000000005', '0000', '0000000000000007', '0000000000000008')
  const old = { offset: 5, leaderEpoch: -1, metadata: '', committedMs: 7, topicId: undefined }
  assert.deepEqual(decodeOffsetValue(Buffer.from(version1, 'hex')), old)
  // Version 4: compact fields, and the topic's id with a tag.
  const id = ['01', '00', '10', '000102030405060708090a0b0c0d0e0f']
  const version4 = bytes('0004', '0000000000000005', '00000004', '03c3a4', '0000000000000007', ...id)
  const newer = { ...old, leaderEpoch: 4, metadata: 'ä', topicId }
  assert.deepEqual(decodeOffsetValue(Buffer.from(version4, 'hex')), newer)
  assert.equal(decodeOffsetKey(Buffer.from('0002000167', 'hex')), undefined)
})
