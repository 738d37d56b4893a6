/**
 * Compression of record batches, by Kafka's codec numbers. Synchronous: a batch is small, and order matters
 * more than overlap.
 *
 * Decompression always has a limit on its output, since a few kilobytes of gzip can hold a gigabyte. The
 * limit holds before memory is spent on the output, with every codec.
 */
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { unreachable } from './assert.ts'
import { bufferOf } from './bytes.ts'
import { compressLz4, decompressLz4 } from './compression-lz4.ts'
import type { Decompressed } from './compression-package.ts'
import { compressSnappy, decompressSnappy } from './compression-snappy.ts'
import { isMillraceError, MillraceError } from './errors.ts'

/** Kafka's codecs by their number in the attributes of a batch. */
export const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** How the records of a batch are compressed. */
export type Compression = (typeof compressions)[number]

export function compressionId(compression: Compression): number {
  return compressions.indexOf(compression)
}

/** Throws UNSUPPORTED_FORMAT for a number that no codec has. */
export function compressionOf(id: number): Compression {
  const compression = compressions[id]
  if (compression) return compression
  throw new MillraceError(
    'UNSUPPORTED_FORMAT',
    `The batch is compressed with the unknown codec ${id}. Produce it with ${compressions.join(', ')}.`,
  )
}

/** Throws MISSING_DRIVER when the package of snappy or lz4 cannot be loaded. */
export function compress(compression: Compression, bytes: Uint8Array): Uint8Array {
  switch (compression) {
    case 'none':
      return bytes
    case 'gzip':
      return gzipSync(bytes)
    case 'snappy':
      return compressSnappy(bytes)
    case 'lz4':
      return compressLz4(bufferOf(bytes))
    case 'zstd':
      return zstdCompressSync(bytes)
    default:
      return unreachable(compression)
  }
}

/**
 * Throws LIMIT_EXCEEDED past `maxBytes` of output, CORRUPT_BATCH for bytes that are not in the format,
 * MISSING_DRIVER when the package of snappy or lz4 cannot be loaded.
 */
export function decompress(compression: Compression, bytes: Uint8Array, maxBytes: number): Uint8Array {
  let output: Decompressed
  try {
    output = decompressed(compression, bytes, maxBytes)
  } catch (error) {
    if (isMillraceError(error)) throw error
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') output = 'too-large'
    else
      throw new MillraceError(
        'CORRUPT_BATCH',
        `The header of a batch says ${compression}, but its content is not.`,
        { cause: error },
      )
  }
  if (output !== 'too-large') return output
  throw new MillraceError(
    'LIMIT_EXCEEDED',
    `A ${compression} batch of ${bytes.length} bytes holds more than ${maxBytes} bytes. If that is intended, raise the limit.`,
  )
}

function decompressed(compression: Compression, bytes: Uint8Array, maxBytes: number): Decompressed {
  switch (compression) {
    case 'none':
      return bytes
    case 'gzip':
      return gunzipSync(bytes, { maxOutputLength: maxBytes })
    case 'snappy':
      return decompressSnappy(bufferOf(bytes), maxBytes)
    case 'lz4':
      return decompressLz4(bufferOf(bytes), maxBytes)
    case 'zstd':
      return zstdDecompressSync(bytes, { maxOutputLength: maxBytes })
    default:
      return unreachable(compression)
  }
}
