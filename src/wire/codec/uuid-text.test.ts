import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/index.ts'
import { knownUuid, writeUuid } from './uuid-text.ts'

test('a uuid is that of its bytes, whatever came before it', () => {
  const random = seededRandom(1)
  const uuids = Array.from({ length: 5000 }, () => Buffer.from(random.bytes(16)))
  for (const bytes of [...uuids, Buffer.alloc(16), Buffer.alloc(16, 255), ...uuids]) {
    const padded = Buffer.concat([Buffer.from('ab'), bytes])
    for (const _ of [1, 2]) equal(knownUuid(padded, 2), bytes.toString('base64url'))
    const written = Buffer.alloc(20)
    ok(writeUuid(written, 3, bytes.toString('base64url')))
    deepEqual(written, Buffer.concat([Buffer.alloc(3), bytes, Buffer.alloc(1)]))
  }
})

test('uuids that differ in one bit stay apart', () => {
  for (let n = 0; n < 16; n += 1)
    for (const bit of [0, 1, 2, 4, 64]) {
      const changed = Buffer.alloc(16, 'a')
      changed[n]! ^= bit
      equal(knownUuid(changed, 0), changed.toString('base64url'))
    }
})
