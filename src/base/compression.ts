/**
 * Compression of record batches, by Kafka's codec numbers. Synchronous: a batch is small, and order matters
 * more than overlap.
 *
 * Decompression always has a limit on its output, since a few kilobytes of gzip can hold a gigabyte.
 */
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { unreachable } from './assert.ts'
import { MillraceError } from './errors.ts'

export type Compression = 'none' | 'gzip' | 'zstd'

const codecs: readonly (Compression | undefined)[] = ['none', 'gzip', undefined, undefined, 'zstd']
const names = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

export function compressionId(compression: Compression): number {
  return codecs.indexOf(compression)
}

/** Throws UNSUPPORTED_FORMAT for a codec that millrace cannot read; the message names the codec. */
export function compressionOf(id: number): Compression {
  const compression = codecs[id]
  if (compression) return compression
  throw new MillraceError(
    'UNSUPPORTED_FORMAT',
    `The batch is compressed with ${names[id] ?? `the unknown codec ${id}`}, which millrace cannot read. Produce it with gzip, zstd or none.`,
  )
}

export function compress(compression: Compression, bytes: Uint8Array): Uint8Array {
  switch (compression) {
    case 'none':
      return bytes
    case 'gzip':
      return gzipSync(bytes)
    case 'zstd':
      return zstdCompressSync(bytes)
    default:
      return unreachable(compression)
  }
}

/** Throws LIMIT_EXCEEDED past `maxBytes` of output, CORRUPT_BATCH for bytes that are not in the format. */
export function decompress(compression: Compression, bytes: Uint8Array, maxBytes: number): Uint8Array {
  const options = { maxOutputLength: maxBytes }
  try {
    switch (compression) {
      case 'none':
        return bytes
      case 'gzip':
        return gunzipSync(bytes, options)
      case 'zstd':
        return zstdDecompressSync(bytes, options)
      default:
        return unreachable(compression)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new MillraceError(
        'LIMIT_EXCEEDED',
        `A ${compression} batch of ${bytes.length} bytes holds more than ${maxBytes} bytes. If that is intended, raise the limit.`,
        { cause: error },
      )
    throw new MillraceError(
      'CORRUPT_BATCH',
      `The header of a batch says ${compression}, but its content is not.`,
      {
        cause: error,
      },
    )
  }
}
