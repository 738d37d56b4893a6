/** Every message in every version: written and read back, damaged, and too large for its bytes. */
import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../../test/for-seeds.ts'
import { isCode } from '../../../test/is-code.ts'
import { isMillraceError, type Random } from '../../base/index.ts'
import { isVersionIn, type Definition } from '../definition.ts'
import { fetch, messages, metadata, produce } from '../messages/index.ts'
import { planStruct, type Struct, type StructPlan } from './field-plan.ts'
import {
  codecOf,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type MessageCodec,
} from './message-codec.ts'
import { MessageReader } from './message-reader.ts'
import { MessageWriter } from './message-writer.ts'
import { eachVersion, randomMessage } from './random-message.test-support.ts'

interface Case {
  readonly codec: MessageCodec
  readonly plan: StructPlan
  readonly random: (random: Random) => Struct
}

function casesOf(definition: Definition): readonly Case[] {
  return eachVersion(definition.versions).flatMap(version =>
    (['request', 'response'] as const).map(direction => {
      const isFlexible = isVersionIn(version, definition.flexible)
      return {
        codec: codecOf(definition, definition[direction], direction, version),
        plan: planStruct(definition[direction], version, isFlexible),
        random: (random: Random) => randomMessage(random, definition[direction], version, isFlexible),
      }
    }),
  )
}

const cases = messages.flatMap(casesOf)

function bytesOf({ codec }: Case, value: Struct): Buffer {
  const to = new MessageWriter(codec.what)
  codec.encode(to, value)
  return Buffer.concat(to.finish())
}

function read({ codec }: Case, bytes: Buffer, at = 0): Struct {
  const from = new MessageReader(bytes, at, codec.what)
  const value = codec.decode(from)
  equal(from.bytesLeft, 0, codec.what)
  return value
}

test('every message of every version is read as it was written', () =>
  forSeeds(80, random => {
    for (const each of cases) {
      const value = each.random(random)
      const bytes = bytesOf(each, value)
      deepEqual(read(each, bytes), value, each.codec.what)
      deepEqual(bytesOf(each, read(each, bytes)), bytes, each.codec.what)
    }
  }))

test('a message that ends before its end is refused, wherever that is', () =>
  forSeeds(20, random => {
    for (const each of cases) {
      const bytes = bytesOf(each, each.random(random))
      const step = Math.ceil(bytes.length / 50)
      for (let size = 0; size < bytes.length; size += step)
        throws(
          () => each.codec.decode(new MessageReader(bytes.subarray(0, size), 0, '')),
          isCode('INVALID_REQUEST'),
        )
    }
  }))

/** A million of them in a soak. */
test('changed bytes are read as another message, or refused', () =>
  forSeeds(280, random => {
    for (const each of cases) {
      const bytes = bytesOf(each, each.random(random))
      for (let n = 0; n < 10; n += 1) {
        const changed = Buffer.from(bytes)
        for (let changes = random.int(3); changes >= 0; changes -= 1)
          changed[random.int(changed.length)] = random.next() < 0.3 ? 0xff : random.int(256)
        try {
          each.codec.decode(new MessageReader(changed, 0, each.codec.what))
        } catch (error) {
          if (!isMillraceError(error, 'INVALID_REQUEST')) throw error
        }
      }
    }
  }))

/** The plans of the structures that are items of arrays. */
function itemsIn(plan: StructPlan): readonly StructPlan[] {
  return [...plan.fields, ...plan.tagged].flatMap(({ kind, fields }) =>
    fields === undefined ? [] : [...(kind === 'array' ? [fields] : []), ...itemsIn(fields)],
  )
}

test('an item of an array has bytes, and in memory not many times as much', () => {
  /** Of V8: an object without its fields, and a field. */
  const [objectBytes, fieldBytes, timesMax] = [24, 8, 20]
  for (const { codec, plan } of cases)
    for (const item of itemsIn(plan)) {
      const memory = objectBytes + fieldBytes * Object.keys(item.template).length
      // Values that take no bytes in the message are shared: empty text, arrays and bytes, defaults.
      ok(memory <= timesMax * item.bytesMin, `${codec.what}: ${memory} bytes for ${item.bytesMin}`)
    }
})

test('a count that the rest cannot hold allocates nothing', () => {
  // Version 1: nothing but the count of names, each of two bytes at least.
  const names = (count: number, rest: number): Buffer => {
    const bytes = Buffer.alloc(4 + rest)
    bytes.writeInt32BE(count)
    return bytes
  }
  deepEqual(
    decodeRequest(metadata, 1, names(2, 4)).topics?.map(({ name }) => name),
    ['', ''],
  )
  for (const [count, rest] of [
    [2, 3],
    [0x7fffffff, 100],
    [-2, 100],
    [-0x80000000, 100],
  ] as const)
    throws(() => decodeRequest(metadata, 1, names(count, rest)), isCode('INVALID_REQUEST'))
  equal(decodeRequest(metadata, 1, names(-1, 0)).topics, null)
})

test('a request with more items than any has is refused: they would fill the memory', () => {
  const partitions = Array.from({ length: 50_000 }, () => ({
    partition: 0,
    fetchOffset: 0,
    partitionMaxBytes: 0,
  }))
  const bytes = (topics: number): Buffer =>
    Buffer.concat(
      encodeRequest(fetch, 4, {
        maxWaitMs: 0,
        minBytes: 0,
        topics: Array.from({ length: topics }, () => ({ topic: '', partitions })),
      }),
    )
  equal(decodeRequest(fetch, 4, bytes(1)).topics[0]?.partitions.length, 50_000)
  throws(() => decodeRequest(fetch, 4, bytes(2)), isCode('INVALID_REQUEST'))
})

test('bytes after a request are ignored, after a response refused', () => {
  // All topics, as librdkafka 2.16 asks: its count of topics has four bytes, of which a reader takes one.
  const fromLibrdkafka = Buffer.from('00000000010000', 'hex')
  deepEqual(decodeRequest(metadata, 13, fromLibrdkafka).topics, null)
  const bytes = Buffer.concat(encodeResponse(metadata, 1, { brokers: [], topics: [] }))
  throws(
    () => decodeResponse(metadata, 1, Buffer.concat([bytes, Buffer.alloc(1)])),
    isCode('INVALID_REQUEST', /1 bytes follow/),
  )
})

test('a version that is not offered is refused', () => {
  throws(() => decodeRequest(produce, 2, Buffer.alloc(0)), isCode('UNSUPPORTED_FORMAT', /Produce.*3-13/))
  throws(() => decodeRequest(produce, 14, Buffer.alloc(0)), isCode('UNSUPPORTED_FORMAT'))
})
