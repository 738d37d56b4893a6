/**
 * A stored key as bytes, while it is looked up: eight of the namespace, then those of the key. They are held
 * in words of four bytes, the last one filled up with zeros: hashing and comparing words takes a quarter of
 * the steps.
 */
import type { KeyHash } from './key-hash.ts'
import { namespaceLength, writeNamespace } from './namespace.ts'

const initialBytes = 256

/** Holds one key; the next one replaces it. */
export class KeyBytes {
  readonly #keyHash: KeyHash
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
    this.#begin(namespaceLength + key.length)
    writeNamespace(this.#bytes, namespace)
    this.#bytes.latin1Write(key, namespaceLength, key.length)
    this.hash = this.#keyHash.of(this.words, 0, this.length)
  }

  /** Both parts, as one binary string. */
  setJoined(storeKey: string): void {
    this.#begin(storeKey.length)
    this.#bytes.latin1Write(storeKey, 0, storeKey.length)
    this.hash = this.#keyHash.of(this.words, 0, this.length)
  }

  /** Both parts, as they are in a changelog. */
  setBytes(source: Buffer, start: number, end: number): void {
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
