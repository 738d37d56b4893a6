/**
 * The seam for chance: identifiers, jitter and fault injection draw from a {@link Random} that may be seeded.
 */
export interface Random {
  /** A float in [0, 1). */
  next(): number
  /** An integer in [0, bound). */
  int(bound: number): number
  /** `length` random bytes. */
  bytes(length: number): Uint8Array
}

/** The machine's randomness. */
export const systemRandom: Random = {
  next: () => Math.random(),
  int: bound => Math.floor(Math.random() * bound),
  bytes: length => crypto.getRandomValues(new Uint8Array(length)),
}

/** A repeatable {@link Random} (splitmix32): the same `seed` gives the same draws on every machine. */
export function seededRandom(seed: number): Random {
  let state = seed | 0
  const draw = (): number => {
    state = (state + 0x9e3779b9) | 0
    let z = state ^ (state >>> 16)
    z = Math.imul(z, 0x21f0aaad)
    z ^= z >>> 15
    z = Math.imul(z, 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
  const next = (): number => draw() / 0x1_0000_0000
  return {
    next,
    int: bound => Math.floor(next() * bound),
    bytes: length => Uint8Array.from({ length }, () => draw() & 0xff),
  }
}
