/**
 * Snappy in the two forms that record batches have.
 *
 * Java's producer writes blocks, as snappy-java's SnappyOutputStream does:
 * ```
 *  0  82 53 4e 41 50 50 59 00   magic, "\x82SNAPPY\0"
 *  8  version                   int32, 1
 * 12  readable from             int32, 1
 * 16  length                    int32, bytes of the block
 * 20  block                     raw snappy of at most 32 KiB
 *     …                         more blocks, a length in front of each
 * ```
 * A magic in the place of a length begins another stream, whose blocks continue the first one's. Other
 * clients write one raw block and nothing else. millrace reads both, and writes Java's form.
 *
 * A raw block begins with the size that it decompresses to (a varint). The package allocates that size, so
 * all sizes are added up and compared with the limit first. The package checks that the size is true.
 */
import { createRequire } from 'node:module'
import { loadCodec, type Decompressed } from './compression-package.ts'

interface Snappy {
  compressSync(input: Uint8Array): Buffer
  uncompressSync(input: Uint8Array, options: { asBuffer: true }): Buffer
}

const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
const magicBytes = 8
/** Bytes of a block before compression: SnappyOutputStream's default. */
const blockBytes = 32 * 1024
/** Three bytes make at most 64: a block that claims more is not snappy, and nothing is allocated for it. */
const expansionMax = 22

let loaded: Snappy | undefined
const snappy = (): Snappy =>
  (loaded ??= loadCodec(
    'snappy',
    'snappy',
    '@napi-rs/snappy',
    () => createRequire(import.meta.url)('snappy') as Snappy,
  ))

export function compressSnappy(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [header]
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const block = snappy().compressSync(bytes.subarray(at, at + blockBytes))
    const length = Buffer.allocUnsafe(4)
    length.writeInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

/** Any error but MISSING_DRIVER says that the bytes are not snappy. */
export function decompressSnappy(bytes: Buffer, maxBytes: number): Decompressed {
  const blocks = beginsStream(bytes, 0) ? blocksOf(bytes) : [bytes]
  let total = 0
  for (const block of blocks) {
    const size = sizeOfBlock(block)
    if (size > block.length * expansionMax) throw new Error(`a block claims to hold ${size} bytes`)
    total += size
    if (total > maxBytes) return 'too-large'
  }
  if (blocks.length === 1) return snappy().uncompressSync(blocks[0]!, { asBuffer: true })
  const output = Buffer.allocUnsafe(total)
  let at = 0
  for (const block of blocks) at += snappy().uncompressSync(block, { asBuffer: true }).copy(output, at)
  return output
}

function blocksOf(bytes: Buffer): Buffer[] {
  const blocks: Buffer[] = []
  for (let at = header.length; at < bytes.length;) {
    if (beginsStream(bytes, at)) {
      at += header.length
      continue
    }
    if (at + 4 > bytes.length) throw new Error('the stream ends within a length')
    const length = bytes.readInt32BE(at)
    at += 4
    if (length < 1 || at + length > bytes.length) throw new Error(`a block has the length ${length}`)
    blocks.push(bytes.subarray(at, at + length))
    at += length
  }
  return blocks
}

function beginsStream(bytes: Buffer, at: number): boolean {
  return bytes.length - at >= header.length && bytes.compare(header, 0, magicBytes, at, at + magicBytes) === 0
}

/** The size that a raw block says it decompresses to: a varint of at most 32 bits. */
function sizeOfBlock(block: Buffer): number {
  let size = 0
  for (let n = 0; n < 5 && n < block.length; n += 1) {
    const byte = block[n]!
    size += (byte & 0x7f) * 2 ** (7 * n)
    if (byte < 0x80) return size
  }
  throw new Error('a block does not say its size')
}
