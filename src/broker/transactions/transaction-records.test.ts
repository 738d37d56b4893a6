import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { bufferOf } from '../../base/index.ts'
import { rejectsCode } from './transaction-parts.test-support.ts'
import {
  decodeTransactionKey,
  decodeTransactionValue,
  encodeTransactionKey,
  encodeTransactionValue,
  transactionStatus,
  type TransactionValue,
} from './transaction-records.ts'

const hex = (bytes: Uint8Array): string => bufferOf(bytes).toString('hex')

/** Hex, field by field. */
const bytes = (...fields: string[]): string => fields.join('')

const state: TransactionValue = {
  producerId: 7,
  previousProducerId: -1,
  nextProducerId: -1,
  producerEpoch: 2,
  lastEpoch: -1,
  timeoutMs: 60_000,
  status: transactionStatus.prepareCommit,
  partitions: [
    { topic: 'a', partition: 0 },
    { topic: 'a', partition: 2 },
    { topic: 'b', partition: 1 },
  ],
  updatedMs: 5,
  startedMs: 4,
  version: 0,
  isClient: false,
  mustAbort: false,
}

const head = ['0000000000000007', '0002', '0000ea60', '02']
const times = ['0000000000000005', '0000000000000004']

test('keys are those of Apache Kafka', () => {
  const key = encodeTransactionKey('app')
  equal(hex(key), bytes('0000', '0003617070'))
  equal(decodeTransactionKey(key), 'app')
  equal(decodeTransactionKey(Buffer.from('0001', 'hex')), undefined)
})

test('values of version 0, which millrace wrote before, are read', () => {
  const a = ['000161', '00000002', '00000000', '00000002']
  const b = ['000162', '00000001', '00000001']
  const value = Buffer.from(bytes('0000', ...head, '00000002', ...a, ...b, ...times), 'hex')
  deepEqual(decodeTransactionValue(value), state)
})

test('values are those of Apache Kafka, version 1', () => {
  const a = ['0261', '03', '00000000', '00000002', '00']
  const b = ['0262', '02', '00000001', '00']
  const value = encodeTransactionValue(state)
  equal(hex(value), bytes('0001', ...head, '03', ...a, ...b, ...times, '00'))
  deepEqual(decodeTransactionValue(value), state)
})

test('what Apache Kafka has tags for, and what it has not, is in tagged fields', () => {
  const full: TransactionValue = {
    ...state,
    previousProducerId: 6,
    nextProducerId: 8,
    version: 2,
    lastEpoch: 1,
    isClient: true,
    mustAbort: true,
    partitions: [
      { topic: 'a', partition: 0, endOffset: 9 },
      { topic: 'a', partition: 2 },
      { topic: 'b', partition: 1 },
    ],
  }
  const a = ['0261', '03', '00000000', '00000002', '01', '64', '10', '0000000000000009', 'f'.repeat(16)]
  const b = ['0262', '02', '00000001', '00']
  const tagged = ['05', '0008', '0000000000000006', '0108', '0000000000000008', '0202', '0002']
  const own = ['64', '02', '0001', '65', '01', '03']
  const value = encodeTransactionValue(full)
  equal(hex(value), bytes('0001', ...head, '03', ...a, ...b, ...times, ...tagged, ...own))
  deepEqual(decodeTransactionValue(value), full)
})

test('partitions may be null, and fields that nobody knows are skipped', () => {
  const value = Buffer.from(bytes('0001', ...head, '00', ...times, '01', '7f', '02', 'abcd'), 'hex')
  deepEqual(decodeTransactionValue(value), { ...state, partitions: [] })
})

test('a value of another version, or one that ends early, is refused', async () => {
  const read = async (text: string): Promise<TransactionValue> =>
    decodeTransactionValue(Buffer.from(text, 'hex'))
  await rejectsCode('UNSUPPORTED_FORMAT', read('0002'))
  await rejectsCode(
    'UNSUPPORTED_FORMAT',
    read(bytes('0001', ...head.slice(0, 3), '07', '01', ...times, '00')),
  )
  await rejectsCode('CORRUPT_BATCH', read(bytes('0001', ...head, '05', '0261')))
})
