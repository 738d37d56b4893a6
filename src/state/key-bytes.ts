/**
 * A stored key as bytes, while it is looked up: eight of the namespace, then those of the key. They are held
 * in words of four bytes, the last one filled up with zeros: hashing and comparing words takes a quarter of
 * the steps.
 */
import type { KeyHash } from './key-hash.ts'
import { namespaceLength, writeNamespace } from './namespace.ts'

const initialBytes = 256
/** Longer keys are written by one call. */
const writtenHereMax = 10

/** Holds one key; the next one replaces it. */
export class KeyBytes {
  readonly #keyHash: KeyHash
  /** What {@link set} was called with, if that was the last call. */
  #key: string | undefined
  #namespace = 0
  #bytes!: Buffer
  words!: Int32Array
  /** In bytes. */
  length = 0
  hash = 0

  constructor(keyHash: KeyHash) {
    this.#keyHash = keyHash
    this.#allocate(initialBytes)
  }

  set(namespace: number, key: string): void {
    // An operator that has found no entry puts one under the same key.
    if (key === this.#key && namespace === this.#namespace) return
    this.#key = key
    this.#namespace = namespace
    this.#begin(namespaceLength + key.length)
    writeNamespace(this.#bytes, namespace)
    // A call of the runtime takes longer than a few steps.
    if (key.length > writtenHereMax) this.#bytes.latin1Write(key, namespaceLength, key.length)
    else for (let n = 0; n < key.length; n += 1) this.#bytes[namespaceLength + n] = key.charCodeAt(n)
    this.hash = this.#keyHash.of(this.words, 0, this.length)
  }

  /** Both parts, as one binary string. */
  setJoined(storeKey: string): void {
    this.#key = undefined
    this.#begin(storeKey.length)
    this.#bytes.latin1Write(storeKey, 0, storeKey.length)
    this.hash = this.#keyHash.of(this.words, 0, this.length)
  }

  /** Both parts, as they are in a changelog. */
  setBytes(source: Buffer, start: number, end: number): void {
    this.#key = undefined
    this.#begin(end - start)
    source.copy(this.#bytes, 0, start, end)
    this.hash = this.#keyHash.of(this.words, 0, this.length)
  }

  #begin(length: number): void {
    this.length = length
    if (length + 4 > this.#bytes.length) this.#allocate(2 * length + 4)
    this.words[length >> 2] = 0
  }

  #allocate(bytes: number): void {
    const memory = new ArrayBuffer((bytes + 3) & ~3)
    this.#bytes = Buffer.from(memory)
    this.words = new Int32Array(memory)
  }
}
