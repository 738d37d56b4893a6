import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { bufferOf, isMillraceError } from '../../base/index.ts'
import { decodeGroupKey, decodeGroupValue, encodeGroupKey, encodeGroupValue } from './group-records.ts'

const hex = (bytes: Uint8Array): string => bufferOf(bytes).toString('hex')

test('a group is stored as Kafka writes it', () => {
  const key = encodeGroupKey('g')
  equal(hex(key), '0002000167')
  equal(decodeGroupKey(key), 'g')
  equal(decodeGroupKey(Buffer.from('00010001670002747400000003', 'hex')), undefined)
  const group = {
    protocolType: 'c',
    generation: 7,
    protocol: 'p',
    leader: 'm',
    sinceMs: 9,
    members: [
      {
        memberId: 'm',
        instanceId: 'i',
        clientId: 'd',
        clientHost: '/h',
        rebalanceTimeoutMs: 2,
        sessionTimeoutMs: 3,
        subscription: Buffer.of(1),
        assignment: Buffer.of(4, 5),
      },
    ],
  }
  const member = [
    '00016d',
    '000169',
    '000164',
    '00022f68',
    '00000002',
    '00000003',
    '0000000101',
    '000000020405',
  ]
  const head = ['000163', '00000007', '000170', '00016d']
  const value = encodeGroupValue(group)
  equal(hex(value), ['0003', ...head, '0000000000000009', '00000001', ...member].join(''))
  deepEqual(decodeGroupValue(value), group)
  // Version 0, which older brokers wrote.
  const [id, , ...others] = member
  const old = ['0000', ...head, '00000001', id, ...others.toSpliced(2, 1)].join('')
  const [{ instanceId: _, ...rest }] = group.members as [(typeof group.members)[number]]
  deepEqual(decodeGroupValue(Buffer.from(old, 'hex')), {
    ...group,
    sinceMs: -1,
    members: [{ ...rest, instanceId: undefined, rebalanceTimeoutMs: 3 }],
  })
})

test('version 4 of a group, which a cluster may write, is read', () => {
  const fields = ['0004', '0263', '00000007', '0270', '00', '0000000000000009', '02']
  const member = ['026d', '00', '0264', '022f', '00000002', '00000003', '0201', '030405', '00']
  deepEqual(decodeGroupValue(Buffer.from([...fields, ...member, '00'].join(''), 'hex')), {
    protocolType: 'c',
    generation: 7,
    protocol: 'p',
    leader: undefined,
    sinceMs: 9,
    members: [
      {
        memberId: 'm',
        instanceId: undefined,
        clientId: 'd',
        clientHost: '/',
        rebalanceTimeoutMs: 2,
        sessionTimeoutMs: 3,
        subscription: Buffer.of(1),
        assignment: Buffer.of(4, 5),
      },
    ],
  })
})

test('an empty group keeps its generation', () => {
  const empty = {
    protocolType: 'consumer',
    generation: 3,
    protocol: undefined,
    leader: undefined,
    sinceMs: 5,
    members: [],
  }
  deepEqual(decodeGroupValue(encodeGroupValue(empty)), empty)
})

test('a group of a newer version is refused, not misread', () => {
  throws(
    () => decodeGroupValue(Buffer.from('0005', 'hex')),
    (error: unknown) => isMillraceError(error, 'UNSUPPORTED_FORMAT'),
  )
})
