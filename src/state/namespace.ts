/**
 * The namespace's part of a stored key: its first eight bytes, as bytes or as the chars of a binary string.
 */

/** Bytes of a namespace at the start of a stored key. */
export const namespaceLength = 8

const base = 2 ** 32
/**
 * Added to the high half, it makes all safe integers positive, negative ones too. Their bytes then compare as
 * the numbers do.
 */
const signBit = 0x8000_0000

/** Encodes a safe integer as eight chars, big-endian, which sort as the numbers do. */
export function encodeNamespace(namespace: number): string {
  const high = (Math.floor(namespace / base) + signBit) >>> 0
  const low = namespace >>> 0
  return String.fromCharCode(
    high >>> 24,
    (high >>> 16) & 0xff,
    (high >>> 8) & 0xff,
    high & 0xff,
    low >>> 24,
    (low >>> 16) & 0xff,
    (low >>> 8) & 0xff,
    low & 0xff,
  )
}

/** Writes the same eight bytes at the start of `bytes`. */
export function writeNamespace(bytes: Uint8Array, namespace: number): void {
  const high = (Math.floor(namespace / base) + signBit) >>> 0
  const low = namespace >>> 0
  bytes[0] = high >>> 24
  bytes[1] = high >>> 16
  bytes[2] = high >>> 8
  bytes[3] = high
  bytes[4] = low >>> 24
  bytes[5] = low >>> 16
  bytes[6] = low >>> 8
  bytes[7] = low
}

/** The namespace at the start of a stored key. */
export function decodeNamespace(storeKey: string): number {
  const half = (from: number): number =>
    storeKey.charCodeAt(from) * 0x100_0000 +
    ((storeKey.charCodeAt(from + 1) << 16) |
      (storeKey.charCodeAt(from + 2) << 8) |
      storeKey.charCodeAt(from + 3))
  return (half(0) - signBit) * base + half(4)
}

/** The first stored key of namespaces from `to` on; undefined if there can be none. */
export function upperBound(to: number): string | undefined {
  return to > Number.MAX_SAFE_INTEGER
    ? undefined
    : to < Number.MIN_SAFE_INTEGER
      ? ''
      : encodeNamespace(Math.ceil(to))
}
