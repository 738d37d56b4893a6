import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from './errors.ts'
import { forSeeds } from '../../test/for-seeds.ts'
import { readVarint, readVarlong, sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from './varint.ts'

const corrupt = (error: unknown): boolean => isMillraceError(error, 'CORRUPT_BATCH')

function checkVarint(value: number): void {
  const bytes = new Uint8Array(12)
  const end = writeVarint(bytes, 1, value)
  equal(end - 1, sizeOfVarint(value), `size of ${value}`)
  const at = { position: 1 }
  equal(readVarint(bytes, at, end), value)
  equal(at.position, end)
  throws(() => readVarint(bytes, { position: 1 }, end - 1), corrupt)
}

function checkVarlong(value: number): void {
  const bytes = new Uint8Array(12)
  const end = writeVarlong(bytes, 1, value)
  equal(end - 1, sizeOfVarlong(value), `size of ${value}`)
  const at = { position: 1 }
  equal(readVarlong(bytes, at, end), value)
  equal(at.position, end)
  throws(() => readVarlong(bytes, { position: 1 }, end - 1), corrupt)
}

test('zigzag: small numbers of either sign are one byte', () => {
  const bytes = new Uint8Array(5)
  for (const [value, byte] of [
    [0, 0],
    [-1, 1],
    [1, 2],
    [-64, 127],
  ] as const) {
    writeVarint(bytes, 0, value)
    deepEqual(bytes[0], byte)
  }
})

test('reads what it wrote, at every power of two and in between', () =>
  forSeeds(30, random => {
    for (let bit = 0; bit < 53; bit += 1)
      for (const around of [-1, 0, 1])
        for (const sign of [1, -1]) {
          const value = sign * (2 ** bit + around) + 0 // no negative zero
          if (value >= -(2 ** 31) && value < 2 ** 31) checkVarint(value)
          if (Number.isSafeInteger(value)) checkVarlong(value)
          const other = Math.floor(random.next() * 2 ** bit) * sign + 0
          checkVarlong(other)
        }
    checkVarlong(Number.MAX_SAFE_INTEGER)
    checkVarlong(Number.MIN_SAFE_INTEGER)
  }))

test('refuses a varint that is too long, or past 2^53', () => {
  throws(() => readVarint(new Uint8Array(10).fill(0xff), { position: 0 }, 10), corrupt)
  throws(() => readVarlong(new Uint8Array(20).fill(0xff), { position: 0 }, 20), corrupt)
  throws(
    () =>
      readVarlong(Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), { position: 0 }, 9),
    corrupt,
  )
})
