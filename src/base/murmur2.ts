/**
 * Murmur2 as Kafka's clients partition by: 32 bits, seed 0x9747b28c. Every language's client agrees on it.
 */

const m = 0x5bd1e995
const seed = 0x9747b28c

/** The hash as a signed 32-bit integer. */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes
  let h = seed ^ length
  let i = 0
  for (; i + 4 <= length; i += 4)
    h = mix(h, bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))
  const left = length - i
  if (left > 2) h ^= bytes[i + 2]! << 16
  if (left > 1) h ^= bytes[i + 1]! << 8
  if (left > 0) h = Math.imul(h ^ bytes[i]!, m)
  return finish(h)
}

/** The same over a binary string, without making bytes. */
export function murmur2OfBinary(binary: string): number {
  const { length } = binary
  let h = seed ^ length
  let i = 0
  for (; i + 4 <= length; i += 4)
    h = mix(
      h,
      binary.charCodeAt(i) |
        (binary.charCodeAt(i + 1) << 8) |
        (binary.charCodeAt(i + 2) << 16) |
        (binary.charCodeAt(i + 3) << 24),
    )
  const left = length - i
  if (left > 2) h ^= binary.charCodeAt(i + 2) << 16
  if (left > 1) h ^= binary.charCodeAt(i + 1) << 8
  if (left > 0) h = Math.imul(h ^ binary.charCodeAt(i), m)
  return finish(h)
}

/** The partition of a key, as the Java client's default partitioner chooses it. */
export function partitionFor(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fff_ffff) % partitions
}

export function partitionForBinary(key: string, partitions: number): number {
  return partitions === 1 ? 0 : (murmur2OfBinary(key) & 0x7fff_ffff) % partitions
}

function mix(h: number, word: number): number {
  let k = Math.imul(word, m)
  k = Math.imul(k ^ (k >>> 24), m)
  return Math.imul(h, m) ^ k
}

function finish(hash: number): number {
  let h = hash
  h = Math.imul(h ^ (h >>> 13), m)
  return h ^ (h >>> 15)
}
