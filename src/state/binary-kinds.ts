/** The kinds of binary that a state value may hold, by their numbers in the format. */

/** The typed arrays: the kind is the index, so new ones go to the end. */
export const binaryKinds: readonly (new (buffer: ArrayBufferLike) => ArrayBufferView)[] = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
]

/** The kind of an ArrayBuffer: a number far from those of the typed arrays. */
export const arrayBufferKind = 255
