import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../../test/is-code.ts'
import { bufferOf } from '../../base/index.ts'
import {
  decodeAssignment,
  decodeSubscribedTopics,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './consumer-protocol.ts'

const hex = (bytes: Uint8Array): string => bufferOf(bytes).toString('hex')
const fromHex = (...fields: string[]): Buffer => Buffer.from(fields.join(''), 'hex')

const subscription = {
  topics: ['a', 'b'],
  userData: Buffer.of(9),
  owned: [
    { topic: 'a', partition: 0 },
    { topic: 'a', partition: 2 },
  ],
  generation: 5,
}
const topics = ['00000002', '000161', '000162']
const owned = ['00000001', '000161', '00000002', '00000000', '00000002']

test('a subscription is as Kafka writes it', () => {
  const bytes = encodeSubscription(subscription)
  equal(hex(bytes), ['0003', ...topics, '0000000109', ...owned, '00000005', 'ffff'].join(''))
  deepEqual(decodeSubscription(bytes), subscription)
})

test('subscriptions of older members lack what came later; of newer ones the rest is skipped', () => {
  const head = [...topics, 'ffffffff']
  const none = { ...subscription, userData: undefined }
  deepEqual(decodeSubscription(fromHex('0000', ...head)), { ...none, owned: [], generation: -1 })
  deepEqual(decodeSubscription(fromHex('0001', ...head, ...owned)), { ...none, generation: -1 })
  deepEqual(decodeSubscription(fromHex('0001', ...head)), { ...none, owned: [], generation: -1 })
  throws(() => decodeSubscription(fromHex('0001', ...head, '00000001')), isCode('CORRUPT_BATCH'))
  deepEqual(decodeSubscription(fromHex('0002', ...head, ...owned, '00000005')), none)
  deepEqual(decodeSubscription(fromHex('0009', ...head, ...owned, '00000005', 'ffff', 'abcd')), none)
})

test('the topics of a subscription are read without the rest, which some clients leave out', () => {
  for (const version of ['0000', '0001', '0009'])
    deepEqual(decodeSubscribedTopics(fromHex(version, ...topics, 'ffffffff')), ['a', 'b'])
  throws(() => decodeSubscribedTopics(fromHex('0000', '00000002', '000161')), isCode('CORRUPT_BATCH'))
})

test('an assignment is as Kafka writes it; none is empty', () => {
  const assignment = { partitions: subscription.owned, userData: undefined }
  const bytes = encodeAssignment(assignment)
  equal(hex(bytes), ['0003', ...owned, 'ffffffff'].join(''))
  deepEqual(decodeAssignment(bytes), assignment)
  deepEqual(decodeAssignment(new Uint8Array(0)), { partitions: [], userData: undefined })
})
