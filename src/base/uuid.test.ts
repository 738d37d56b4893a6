import { equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, type Random } from './random.ts'
import { randomUuid } from './uuid.ts'

test('an id has the form of Kafka, and is none that Kafka does not give', () => {
  const random = seededRandom(1)
  for (let n = 0; n < 2000; n += 1) match(randomUuid(random), /^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/)
  const draws = [new Uint8Array(16), Uint8Array.from({ length: 16 }, (_, n) => (n === 15 ? 1 : 0))]
  draws.push(new Uint8Array(16).fill(0xfb), new Uint8Array(16).fill(7))
  const scripted: Random = { ...random, bytes: () => draws.shift()! }
  equal(randomUuid(scripted), Buffer.alloc(16, 7).toString('base64url'))
})
