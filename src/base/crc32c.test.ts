import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../test/for-seeds.ts'
import { crc32c, crc32cJs } from './crc32c.ts'

test('the check value of CRC-32C', () => {
  equal(crc32c(Buffer.from('123456789')), 0xe3069283)
  equal(crc32cJs(Buffer.from('123456789')), 0xe3069283)
  equal(crc32cJs(new Uint8Array(0)), 0)
})

test('native and JS agree, whole and in two parts', () =>
  forSeeds(1000, random => {
    const bytes = random.bytes(random.int(200))
    const cut = random.int(bytes.length + 1)
    equal(crc32cJs(bytes), crc32c(bytes))
    equal(crc32cJs(bytes.subarray(cut), crc32cJs(bytes.subarray(0, cut))), crc32c(bytes))
    equal(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut))), crc32c(bytes))
  }))
