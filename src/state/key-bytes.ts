/**
 * A stored key as bytes, while it is looked up: eight of the namespace, then those of the key. They are held
 * in words of four bytes, the last one filled up with zeros: hashing and comparing words takes a quarter of
 * the steps.
 */
import { namespaceLength, writeNamespace } from './namespace.ts'

const initialBytes = 256

/** Holds one key; the next one replaces it. */
export class KeyBytes {
  #bytes!: Buffer
  words!: Int32Array
  /** In bytes. */
  length = 0
  hash = 0

  constructor() {
    this.#allocate(initialBytes)
  }

  set(namespace: number, key: string): void {
    this.#begin(namespaceLength + key.length)
    writeNamespace(this.#bytes, namespace)
    this.#bytes.latin1Write(key, namespaceLength, key.length)
    this.hash = hashOf(this.words, 0, this.length)
  }

  /** Both parts, as one binary string. */
  setJoined(storeKey: string): void {
    this.#begin(storeKey.length)
    this.#bytes.latin1Write(storeKey, 0, storeKey.length)
    this.hash = hashOf(this.words, 0, this.length)
  }

  /** Both parts, as they are in a changelog. */
  setBytes(source: Buffer, start: number, end: number): void {
    this.#begin(end - start)
    source.copy(this.#bytes, 0, start, end)
    this.hash = hashOf(this.words, 0, this.length)
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

/** The hash of a key of `length` bytes from a word on. Its last word is filled up with zeros. */
export function hashOf(words: Int32Array, from: number, length: number): number {
  // A product spreads a word best over its high bits; they are mixed into the low ones.
  let hash = length
  const end = from + ((length + 3) >> 2)
  for (let at = from; at < end; at += 1) {
    hash = Math.imul(hash ^ words[at]!, 0x9e3779b1)
    hash ^= hash >>> 15
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return hash ^ (hash >>> 13)
}
