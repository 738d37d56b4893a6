/** Single values of messages: their limits, their forms, and what is refused. */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../../test/is-code.ts'
import type { Definition } from '../definition.ts'
import type { RequestInput } from '../message-types.ts'
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from './message-codec.ts'

/** Version 0 has the classic forms, version 1 the compact ones with tagged fields. */
const sample = {
  key: 99,
  name: 'Sample',
  versions: '0-1',
  flexible: '1+',
  request: [
    { name: 'flag', type: 'bool', default: false },
    { name: 'tiny', type: 'int8', default: 0 },
    { name: 'small', type: 'int16', default: 0 },
    { name: 'plain', type: 'int32', default: 7 },
    { name: 'large', type: 'int64', default: -1 },
    { name: 'text', type: 'string', default: '' },
    { name: 'note', type: 'string', nullable: '1+', default: '' },
    { name: 'id', type: 'uuid', versions: '1+', ignorable: true },
    { name: 'more', type: 'string', versions: '1+', tag: 3 },
    { name: 'pair', versions: '1+', tag: 5, struct: [{ name: 'left', type: 'int32', default: -1 }] },
  ],
  response: [
    { name: 'cursor', nullable: '0+', default: null, struct: [{ name: 'at', type: 'int8' }] },
    { name: 'data', type: 'bytes', nullable: '0+' },
    { name: 'late', type: 'int8', versions: '1+' },
  ],
} as const
sample satisfies Definition

type Sample = RequestInput<typeof sample>

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const encoded = (version: number, value: Sample): Buffer =>
  Buffer.concat(encodeRequest(sample, version, value))
const again = (value: Sample): object => decodeRequest(sample, 1, encoded(1, value))

/** The flexible form of a request in which everything has its default. */
const plain = '00 00 0000 00000007 ffffffffffffffff 01 01 00000000000000000000000000000000'

test('what is left out is written as its default, and a tagged field not at all', () => {
  deepEqual(encoded(0, {}), hex('00 00 0000 00000007 ffffffffffffffff 0000 0000'))
  deepEqual(encoded(1, {}), hex(`${plain} 00`))
  deepEqual(encoded(1, { pair: { left: -1 }, more: '' }), hex(`${plain} 00`))
})

test('what the version lacks is read as its default, and not written if its sender can do without it', () => {
  deepEqual(encoded(0, { id: 'AQAAAAAAAAAAAAAAAAAAAA', more: '', pair: { left: -1 } }), encoded(0, {}))
  const { id, more, pair } = decodeRequest(sample, 0, encoded(0, {}))
  deepEqual([id, more, pair], ['AAAAAAAAAAAAAAAAAAAAAA', '', { left: -1 }])
  throws(() => encoded(0, { more: 'x' }), isCode('INVALID_ARGUMENT', /no 'more'/))
  throws(() => encoded(0, { pair: { left: 1 } }), isCode('INVALID_ARGUMENT', /no 'pair'/))
  // A response says what it can.
  deepEqual(Buffer.concat(encodeResponse(sample, 0, { data: null, late: 5 })), hex('ff ffffffff'))
})

test('tagged fields have their size in front, whatever it is', () => {
  deepEqual(encoded(1, { more: 'ab', pair: { left: 2 } }), hex(`${plain} 02 03 03 036162 05 05 00000002 00`))
  for (const length of [125, 126, 127, 128, 16_380, 16_384, 0x7fff]) {
    const more = 'x'.repeat(length)
    deepEqual(again({ more, pair: { left: 5 } }), { ...again({}), more, pair: { left: 5 } })
  }
})

test('tagged fields that are not known are skipped, and each has to end where its size says', () => {
  deepEqual(decodeRequest(sample, 1, hex(`${plain} 02 02 03 ffffff 04 00`)), again({}))
  for (const tags of [
    '01 03 01 0261',
    '01 03 04 0361 6200',
    '01 09 05 0000',
    '7f 09 00',
    '01 03 ffffffffff01',
  ])
    throws(() => decodeRequest(sample, 1, hex(`${plain} ${tags}`)), isCode('INVALID_REQUEST'), tags)
})

test('numbers are read as they were written, up to their limits', () => {
  for (const flag of [true, false]) deepEqual(again({ flag }), { ...again({}), flag })
  for (const tiny of [-128, 127]) deepEqual(again({ tiny }), { ...again({}), tiny })
  for (const small of [-0x8000, 0x7fff]) deepEqual(again({ small }), { ...again({}), small })
  for (const number of [-0x8000_0000, 0x7fff_ffff])
    deepEqual(again({ plain: number }), { ...again({}), plain: number })
  for (const large of [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 32, -(2 ** 32), -(2 ** 31) - 1])
    deepEqual(again({ large }), { ...again({}), large })
})

test('numbers past their limits are refused, never cut off', () => {
  const wrong: readonly Sample[] = [
    ...[128, -129, 0.5, Number.NaN].map(tiny => ({ tiny })),
    ...[0x8000, -0x8001].map(small => ({ small })),
    ...[0x8000_0000, -0x8000_0001, 1.5].map(number => ({ plain: number })),
    ...[2 ** 53, -(2 ** 53), 0.1, Infinity].map(large => ({ large })),
    // A caller without types.
    { tiny: '1' as unknown as number },
    { flag: 1 as unknown as boolean },
  ]
  for (const value of wrong)
    throws(() => encoded(1, value), isCode('INVALID_ARGUMENT', /Sample request, version 1/))
})

test('an int64 that is not a safe integer is refused, not rounded', () => {
  for (const large of ['7fffffffffffffff', '8000000000000000', '0020000000000000', 'ffe0000000000000'])
    throws(
      () => decodeRequest(sample, 0, hex(`00 00 0000 00000007 ${large} 0000 0000`)),
      isCode('INVALID_REQUEST', /int64/),
    )
})

test('text is read as it was written: ASCII, beyond it, and at the lengths at which its form changes', () => {
  const lengths = [0, 1, 41, 42, 43, 63, 64, 126, 127, 128, 5461, 10_922]
  for (const unit of ['a', 'é', '€', '\ufffd', '\0'])
    for (const length of lengths) {
      const text = unit.repeat(length)
      deepEqual(again({ text, note: text }), { ...again({}), text, note: text })
      const { text: classic } = decodeRequest(sample, 0, encoded(0, { text, note: text }))
      equal(classic, text)
    }
  deepEqual(again({ text: '😀'.repeat(8191) }), { ...again({}), text: '😀'.repeat(8191) })
})

test('text that Kafka cannot hold is refused', () => {
  for (const version of [0, 1])
    for (const text of ['x'.repeat(0x8000), '€'.repeat(10_923), 'half \ud83d', '\udc00'])
      throws(() => encoded(version, { text }), isCode('INVALID_ARGUMENT'))
  // A compact length that only the compact form could hold.
  const tooLong = hex(`00 00 0000 00000007 ffffffffffffffff 818002`)
  throws(
    () => decodeRequest(sample, 1, Buffer.concat([tooLong, Buffer.alloc(40_000)])),
    isCode('INVALID_REQUEST', /32768/),
  )
})

test('bytes that are not UTF-8 are refused, since their text would be another one', () => {
  for (const bytes of ['80', 'c0af', 'eda080', 'f8888080', 'e282', 'efbfbd80']) {
    const length = (bytes.length / 2).toString(16).padStart(4, '0')
    throws(
      () => decodeRequest(sample, 0, hex(`00 00 0000 00000007 ffffffffffffffff ${length} ${bytes} 0000`)),
      isCode('INVALID_REQUEST', /UTF-8/),
      bytes,
    )
  }
})

test('null is for fields that may be null in that version', () => {
  equal(decodeRequest(sample, 1, encoded(1, { note: null })).note, null)
  throws(() => encoded(0, { note: null }), isCode('INVALID_ARGUMENT', /'note' must not be null/))
  throws(() => encoded(1, { text: null as unknown as string }), isCode('INVALID_ARGUMENT', /'text'/))
  const head = '00 00 0000 00000007 ffffffffffffffff'
  throws(() => decodeRequest(sample, 0, hex(`${head} 0000 ffff`)), isCode('INVALID_REQUEST', /null 'note'/))
  throws(() => decodeRequest(sample, 1, hex(`${head} 00 01`)), isCode('INVALID_REQUEST', /null 'text'/))
  throws(() => decodeRequest(sample, 0, hex(`${head} 0000 fffe`)), isCode('INVALID_REQUEST', /length of -2/))
})

test('a structure that may be null has a byte in front', () => {
  const written = (value: Parameters<typeof encodeResponse<typeof sample>>[2]): Buffer =>
    Buffer.concat(encodeResponse(sample, 0, value))
  deepEqual(written({ data: null }), hex('ff ffffffff'))
  deepEqual(written({ cursor: { at: 5 }, data: Buffer.of(1, 2) }), hex('01 05 00000002 0102'))
  deepEqual(decodeResponse(sample, 0, hex('01 05 00000000')), {
    cursor: { at: 5 },
    data: Buffer.alloc(0),
    late: 0,
  })
  equal(decodeResponse(sample, 0, hex('ff ffffffff')).cursor, null)
})

test('a uuid is text of 22 characters, and nothing else', () => {
  const id = Buffer.from('00112233445566778899aabbccddeeff', 'hex').toString('base64url')
  deepEqual(again({ id }), { ...again({}), id })
  for (const wrong of ['', 'AAAA', `${id}A`, id.replace(/^./, '!'), `${id.slice(0, 21)}€`])
    throws(() => encoded(1, { id: wrong }), isCode('INVALID_ARGUMENT', /uuid/), wrong)
})

test('bytes are views of the frame', () => {
  const frame = hex('ff 00000002 0102')
  const { data } = decodeResponse(sample, 0, frame)
  frame[5] = 9
  deepEqual(data, Buffer.of(9, 2))
})

test('a varint of more than five bytes is refused', () => {
  throws(() => decodeRequest(sample, 1, hex(`${plain} ffffffffffff`)), isCode('INVALID_REQUEST', /varint/))
})
