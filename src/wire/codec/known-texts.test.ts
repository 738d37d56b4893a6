import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/index.ts'
import { knownAscii } from './known-texts.ts'

test('a text is that of its bytes, whatever came before it', () => {
  const random = seededRandom(1)
  // Many more than there are slots, and each again.
  const texts = Array.from({ length: 5000 }, () =>
    Buffer.from(random.bytes(random.int(65)).map(byte => byte & 0x7f)),
  )
  for (const bytes of [...texts, ...texts, Buffer.alloc(0), Buffer.from('\0')]) {
    const padded = Buffer.concat([Buffer.from('ab'), bytes, Buffer.from('c')])
    const expected = bytes.toString('latin1')
    for (const _ of [1, 2]) equal(knownAscii(padded, 2, 2 + bytes.length), expected)
  }
})

test('texts that differ in one bit, or in length, stay apart', () => {
  const bytes = Buffer.alloc(64, 'a')
  for (let length = 0; length <= 64; length += 1)
    for (let n = 0; n < length; n += 1)
      for (const bit of [0, 1, 2, 4, 64]) {
        const changed = Buffer.from(bytes)
        changed[n]! ^= bit
        equal(knownAscii(changed, 0, length), changed.toString('latin1', 0, length))
      }
})
