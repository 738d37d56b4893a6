/** Structures with and without their version in front; damage, and versions that nobody knows. */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../../test/for-seeds.ts'
import { isCode } from '../../../test/is-code.ts'
import { isVersionIn, type Field, type Structure } from '../definition.ts'
import type { Encodable } from '../message-types.ts'
import * as structures from '../structures/index.ts'
import { randomMessage, eachVersion } from './random-message.test-support.ts'
import { encodeStructure, encodeVersioned, readStructure, structureReader } from './structure-codec.ts'

const all: readonly Structure[] = Object.values(structures)
const { offsetCommitKey, offsetCommitValue } = structures
const key = { group: 'g', topic: 't', partition: 3 }

test('every structure of every version is read as it was written', () =>
  forSeeds(200, random => {
    for (const structure of all)
      for (const version of eachVersion(structure.versions)) {
        const isFlexible = isVersionIn(version, structure.flexible)
        const value = randomMessage(random, structure.fields, version, isFlexible)
        const bytes = encodeVersioned(structure, version, value as Encodable<readonly Field[]>)
        const from = structureReader(bytes, structure.name)
        equal(from.int16(), version)
        deepEqual(readStructure(structure, version, from), value)
        equal(from.bytesLeft, 0)
      }
  }))

test('a structure has its version in front, or has not', () => {
  const bytes = Buffer.from('00016700017400000003', 'hex')
  deepEqual(encodeStructure(offsetCommitKey, 1, key), bytes)
  deepEqual(encodeVersioned(offsetCommitKey, 1, key), Buffer.concat([Buffer.of(0, 1), bytes]))
})

test('what follows a structure is left to the reader', () => {
  const from = structureReader(
    Buffer.concat([encodeStructure(offsetCommitKey, 1, key), Buffer.of(7, 8)]),
    'a key',
  )
  deepEqual(readStructure(offsetCommitKey, 1, from), key)
  equal(from.bytesLeft, 2)
})

test('a structure that ends early is damaged, and the error says what it is', () => {
  const bytes = encodeVersioned(offsetCommitKey, 1, key)
  for (let size = 0; size < bytes.length; size += 1)
    throws(
      () => {
        const from = structureReader(bytes.subarray(0, size), 'a key of this test')
        readStructure(offsetCommitKey, from.int16(), from)
      },
      isCode('CORRUPT_BATCH', /a key of this test/),
    )
})

test('a version that the structure lacks is refused', () => {
  for (const version of [-1, 5, 0x7fff])
    throws(
      () => readStructure(offsetCommitValue, version, structureReader(Buffer.alloc(99), 'a value')),
      isCode('UNSUPPORTED_FORMAT', /OffsetCommitValue.*0-4/),
    )
})
