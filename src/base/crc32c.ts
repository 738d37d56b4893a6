/**
 * CRC-32C (Castagnoli), as record batches carry it: native where the prebuilt module loads, in JS (slicing by
 * 8) elsewhere.
 */
import { createRequire } from 'node:module'

const tables = makeTables()

/** The JS form: `initial` is the CRC of what came before. */
export function crc32cJs(bytes: Uint8Array, initial = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ]
  let crc = ~initial
  let i = 0
  for (const end = bytes.length - 8; i <= end; i += 8) {
    const low = crc ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))
    crc =
      t7[low & 0xff]! ^
      t6[(low >>> 8) & 0xff]! ^
      t5[(low >>> 16) & 0xff]! ^
      t4[low >>> 24]! ^
      t3[bytes[i + 4]!]! ^
      t2[bytes[i + 5]!]! ^
      t1[bytes[i + 6]!]! ^
      t0[bytes[i + 7]!]!
  }
  for (; i < bytes.length; i += 1) crc = t0[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}

/** The CRC of `bytes`, unsigned; `initial` is the CRC of what came before. */
export const crc32c: (bytes: Uint8Array, initial?: number) => number = native() ?? crc32cJs

function native(): ((bytes: Uint8Array, initial?: number) => number) | undefined {
  try {
    const module = createRequire(import.meta.url)('@node-rs/crc32') as {
      crc32c(bytes: Uint8Array, initial?: number): number
    }
    return (bytes, initial) => module.crc32c(bytes, initial)
  } catch {
    return undefined // no prebuilt module for this platform
  }
}

function makeTables(): Uint32Array[] {
  const polynomial = 0x82f63b78 // reflected
  const made = Array.from({ length: 8 }, () => new Uint32Array(256))
  for (let n = 0; n < 256; n += 1) {
    let crc = n
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
    made[0]![n] = crc
  }
  for (let k = 1; k < 8; k += 1)
    for (let n = 0; n < 256; n += 1) {
      const before = made[k - 1]![n]!
      made[k]![n] = made[0]![before & 0xff]! ^ (before >>> 8)
    }
  return made
}
