/** What binaries a state value may hold, by their number in the format. */

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

/** The kind of an ArrayBuffer, far from the typed arrays'. */
export const arrayBufferKind = 255
