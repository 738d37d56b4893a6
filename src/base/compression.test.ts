import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { forSeeds } from '../../test/for-seeds.ts'
import { compress, compressionId, compressionOf, compressions, decompress } from './compression.ts'
import { loadCodec } from './compression-package.ts'
import { isMillraceError, type ErrorCode } from './errors.ts'
import type { Random } from './random.ts'

const text = Buffer.from('the same again and again, '.repeat(100))
const codecs = compressions.slice(1)

function fails(code: ErrorCode, call: () => unknown, message = ''): void {
  throws(call, (error: unknown) => isMillraceError(error, code), message)
}

/** Text that compresses more or less well, of up to 200 KB: more than a block of snappy or lz4. */
function someBytes(random: Random): Buffer {
  const length = random.int(3) === 0 ? random.int(200_000) : random.int(2000)
  const bytes = Buffer.alloc(length, random.int(2) === 0 ? 'abc' : 'a key of some length, ')
  for (let noise = random.int(2) * random.int(length + 1); noise > 0; noise -= 1)
    bytes[random.int(length)] = random.int(256)
  return bytes
}

test('decompresses what it compressed', () => {
  for (const codec of compressions) {
    deepEqual(Buffer.from(decompress(codec, compress(codec, text), text.length)), text)
    equal(compressionOf(compressionId(codec)), codec)
  }
})

test('decompresses what it compressed, of any size, within exactly that limit', () =>
  forSeeds(400, random => {
    const bytes = someBytes(random)
    const codec = codecs[random.int(codecs.length)]!
    const compressed = compress(codec, bytes)
    // zlib takes no limit of 0.
    deepEqual(Buffer.from(decompress(codec, compressed, Math.max(1, bytes.length))), bytes)
    if (bytes.length > 1)
      fails('LIMIT_EXCEEDED', () => decompress(codec, compressed, bytes.length - 1), codec)
  }))

test('limits the output, whatever size the input declares', () => {
  for (const codec of codecs) {
    const bomb = compress(codec, new Uint8Array(10_000_000))
    fails('LIMIT_EXCEEDED', () => decompress(codec, bomb, 1_000_000), codec)
  }
})

test('a limit is held before the memory is spent', () => {
  const size = 512 << 20
  const zeros = new Uint8Array(1 << 20)
  // The same block 512 times, so that the test itself needs little memory.
  const snappy = compress('snappy', zeros)
  const lz4 = compress('lz4', zeros)
  const [headBytes, endBytes] = [7, 4]
  const blocks = Array.from({ length: 512 }, () => lz4.subarray(headBytes, lz4.length - endBytes))
  const bombs = [
    ['snappy', Buffer.concat(Array.from({ length: 512 }, () => snappy))],
    ['lz4', Buffer.concat([lz4.subarray(0, headBytes), ...blocks, Buffer.alloc(endBytes)])],
  ] as const
  for (const [codec, bomb] of bombs) {
    const before = process.memoryUsage.rss()
    fails('LIMIT_EXCEEDED', () => decompress(codec, bomb, 1 << 20), codec)
    ok(process.memoryUsage.rss() - before < size / 4, codec)
  }
})

test('a size that the bytes cannot have is refused, not allocated', () => {
  // A varint of 100 MB, then two bytes.
  const block = Buffer.from([0x80, 0xc2, 0xd7, 0x2f, 0x00, 0x00])
  fails('CORRUPT_BATCH', () => decompress('snappy', block, 1 << 30))
})

test('takes uncompressed bytes for corrupt', () => {
  for (const codec of codecs) fails('CORRUPT_BATCH', () => decompress(codec, text, 1_000_000), codec)
})

test('refuses a number that no codec has', () => {
  for (const id of [5, 6, 7]) fails('UNSUPPORTED_FORMAT', () => compressionOf(id))
})

test('bytes that are cut off, or followed by others, are corrupt', () => {
  // gzip and zstd let further frames follow.
  for (const codec of ['snappy', 'lz4'] as const) {
    const compressed = Buffer.from(compress(codec, text))
    for (let end = 1; end < compressed.length; end += 1) {
      // Java's snappy has no end but that of its bytes: one without blocks is empty.
      if (codec === 'snappy' && end === 16) continue
      fails('CORRUPT_BATCH', () => decompress(codec, compressed.subarray(0, end), 1 << 20), `${codec} ${end}`)
    }
    const followed = Buffer.concat([compressed, Buffer.from('xyz')])
    fails('CORRUPT_BATCH', () => decompress(codec, followed, 1 << 20), codec)
  }
})

test('changed bytes are corrupt, too large, or other bytes within the limit', () =>
  forSeeds(2000, random => {
    const codec = codecs[random.int(codecs.length)]!
    const compressed = Buffer.from(compress(codec, someBytes(random)))
    for (let changes = 1 + random.int(4); changes > 0; changes -= 1)
      compressed[random.int(Math.min(compressed.length, 1 + random.int(compressed.length)))] = random.int(256)
    try {
      ok(decompress(codec, compressed, 100_000).length <= 100_000)
    } catch (error) {
      if (!isMillraceError(error, 'CORRUPT_BATCH', 'LIMIT_EXCEEDED')) throw error
    }
  }))

test('reads snappy in both forms: blocks as Java writes them, and one bare block', () => {
  // "abcabcabc…" in raw snappy: size 30, the literal 'abc', a copy of 27 bytes from 3 before.
  const raw = Buffer.from([30, 0x08, 0x61, 0x62, 0x63, 0x6a, 0x03, 0x00])
  const plain = Buffer.from('abc'.repeat(10))
  deepEqual(Buffer.from(decompress('snappy', raw, 100)), plain)
  const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
  const block = Buffer.concat([Buffer.from([0, 0, 0, raw.length]), raw])
  const read = (...parts: Buffer[]): Buffer => Buffer.from(decompress('snappy', Buffer.concat(parts), 100))
  deepEqual(read(header), Buffer.alloc(0))
  deepEqual(read(header, block), plain)
  deepEqual(read(header, block, block), Buffer.concat([plain, plain]))
  // Streams that were put one after the other.
  deepEqual(read(header, block, header, block), Buffer.concat([plain, plain]))
  fails('LIMIT_EXCEEDED', () => read(header, block, block, block, block))
})

test('reads lz4 frames of every block size, with and without checksums', () => {
  const literal = (bytes: Buffer): Buffer => {
    const length = Buffer.alloc(4)
    // Not compressed.
    length.writeUInt32LE((0x8000_0000 | bytes.length) >>> 0)
    return Buffer.concat([length, bytes])
  }
  const end = Buffer.alloc(4)
  const frame = (flags: number, sizes: number, check: number, ...rest: Buffer[]): Buffer =>
    Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18, flags, sizes, check]), ...rest])
  const plain = Buffer.from('plain')
  // The checks are xxHash-32 of flags and sizes, second byte.
  for (const [sizes, check] of [
    [0x40, 0x82],
    [0x50, 0xfb],
    [0x60, 0x51],
    [0x70, 0x73],
  ] as const)
    deepEqual(Buffer.from(decompress('lz4', frame(0x60, sizes, check, literal(plain), end), 5)), plain)
  const refused = (bytes: Buffer): void => fails('CORRUPT_BATCH', () => decompress('lz4', bytes, 1 << 20))
  // A false check, blocks that depend on each other, a version that does not exist, a block past its size.
  refused(frame(0x60, 0x40, 0x83, literal(plain), end))
  refused(frame(0x40, 0x40, 0xc0, literal(plain), end))
  refused(frame(0xe0, 0x40, 0x82, literal(plain), end))
  refused(frame(0x60, 0x40, 0x82, literal(Buffer.alloc(65_537)), end))
})

test('a codec whose package is missing is an error that names the package and the platform', () => {
  const missing = (): never => {
    throw new Error('Cannot find native binding')
  }
  throws(
    () => loadCodec('lz4', 'lz4-napi', '@antoniomuso/lz4-napi', missing),
    (error: unknown) =>
      isMillraceError(error, 'MISSING_DRIVER') &&
      error.message.includes(`@antoniomuso/lz4-napi-${process.platform}-${process.arch}`) &&
      error.message.includes('npm install --include=optional lz4-napi'),
  )
})

test('a gzip of several members is read whole', () => {
  const members = Buffer.concat([gzipSync('one, '), gzipSync('two')])
  equal(Buffer.from(decompress('gzip', members, 8)).toString(), 'one, two')
  fails('LIMIT_EXCEEDED', () => decompress('gzip', members, 7))
})
