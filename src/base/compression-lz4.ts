/**
 * LZ4 frames, as batches of version 2 hold them: one frame with independent blocks, and nothing after it.
 *
 * ```
 * 0  04 22 4d 18   magic
 * 4  flags         bits 7-6 version (1), 5 blocks are independent, 4 a checksum after each block,
 *                  3 content size, 2 a checksum at the end, 0 dictionary
 * 5  block size    bits 6-4: 4, 5, 6 or 7 for at most 64 KiB, 256 KiB, 1 MiB or 4 MiB
 * 6  content size  uint64, only with its flag
 *    checksum      of the header, one byte
 *    length        uint32, little-endian; its highest bit: the block is not compressed
 *    block
 *    …             more blocks, and a length of 0 at the end
 * ```
 * Java's client reads independent blocks only, so others are refused here as well. The package decompresses
 * without a limit. So the frame is walked first: its lengths bound the output, and where that bound is beyond
 * the limit, the blocks are walked for their exact size. Nothing is allocated before.
 */
import { createRequire } from 'node:module'
import { loadCodec, type Decompressed } from './compression-package.ts'

interface Lz4 {
  compressFrameSync(input: Buffer): Buffer
  decompressFrameSync(input: Buffer): Buffer
}

const magic = 0x184d2204
const versionMask = 0xc0
const version1 = 0x40
const independentBit = 0x20
const blockChecksumBit = 0x10
const contentSizeBit = 0x08
const contentChecksumBit = 0x04
const dictionaryBit = 0x01
const uncompressedBit = 0x8000_0000
/** A byte of a compressed block makes at most so many. */
const expansionMax = 255

let loaded: Lz4 | undefined
const lz4 = (): Lz4 =>
  (loaded ??= loadCodec(
    'lz4',
    'lz4-napi',
    '@antoniomuso/lz4-napi',
    () => createRequire(import.meta.url)('lz4-napi') as Lz4,
  ))

export function compressLz4(bytes: Buffer): Uint8Array {
  return lz4().compressFrameSync(bytes)
}

/** Any error but MISSING_DRIVER says that the bytes are not such a frame. */
export function decompressLz4(bytes: Buffer, maxBytes: number): Decompressed {
  const blocks = blocksOf(bytes)
  if (largestOutput(blocks) > maxBytes && exactOutput(bytes, blocks) > maxBytes) return 'too-large'
  return lz4().decompressFrameSync(bytes)
}

interface Block {
  readonly start: number
  readonly end: number
  readonly isCompressed: boolean
  readonly bytesMax: number
}

function blocksOf(bytes: Buffer): Block[] {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== magic) throw new Error('it is not an LZ4 frame')
  const flags = bytes[4]!
  if ((flags & versionMask) !== version1 || (flags & dictionaryBit) !== 0)
    throw new Error(`an LZ4 frame has the flags ${flags}`)
  if ((flags & independentBit) === 0) throw new Error('the blocks of an LZ4 frame depend on each other')
  const sizeCode = (bytes[5]! >> 4) & 0x7
  if (sizeCode < 4) throw new Error(`an LZ4 frame has the block size ${sizeCode}`)
  const bytesMax = 1 << (8 + 2 * sizeCode)
  const checksumBytes = flags & blockChecksumBit ? 4 : 0
  const blocks: Block[] = []
  let at = 7 + (flags & contentSizeBit ? 8 : 0)
  for (;;) {
    if (at + 4 > bytes.length) throw new Error('an LZ4 frame ends within a length')
    const field = bytes.readUInt32LE(at)
    at += 4
    if (field === 0) break
    const isCompressed = field < uncompressedBit
    const length = isCompressed ? field : field - uncompressedBit
    if (length > bytesMax || at + length + checksumBytes > bytes.length)
      throw new Error(`a block of an LZ4 frame has the length ${length}`)
    blocks.push({ start: at, end: at + length, isCompressed, bytesMax })
    at += length + checksumBytes
  }
  if (flags & contentChecksumBit) at += 4
  if (at !== bytes.length) throw new Error(`an LZ4 frame ends at byte ${at} of ${bytes.length}`)
  return blocks
}

function largestOutput(blocks: readonly Block[]): number {
  let total = 0
  for (const { start, end, isCompressed, bytesMax } of blocks)
    total += isCompressed ? Math.min(bytesMax, (end - start) * expansionMax) : end - start
  return total
}

function exactOutput(bytes: Buffer, blocks: readonly Block[]): number {
  let total = 0
  for (const block of blocks)
    total += block.isCompressed ? sizeOfBlock(bytes, block) : block.end - block.start
  return total
}

/**
 * What a block decompresses to. It is a list of sequences: a token (two lengths of four bits), literals, and
 * a match (an offset of two bytes). A length of 15 continues in the bytes after it. The last sequence has no
 * match.
 */
function sizeOfBlock(bytes: Buffer, { start, end, bytesMax }: Block): number {
  let size = 0
  let at = start
  const rest = (length: number): number => {
    let total = length
    if (length < 15) return total
    for (let byte = 255; byte === 255 && at < end;) {
      byte = bytes[at]!
      at += 1
      total += byte
    }
    return total
  }
  while (at < end) {
    const token = bytes[at]!
    at += 1
    const literals = rest(token >> 4)
    size += literals
    at += literals
    if (at >= end) break
    at += 2
    size += 4 + rest(token & 0xf)
    if (size > bytesMax) throw new Error(`a block of an LZ4 frame holds more than ${bytesMax} bytes`)
  }
  return size
}
