/** Writes state values: see value-codec.ts for the format. */
import { arrayBufferKind, binaryKinds } from './binary-kinds.ts'

/** Deeper values are refused: most likely they are cyclic. */
const depthMax = 500
/** Encoded values are views of chunks of this size, or a larger chunk for a larger value. */
const chunkSize = 65_536

let chunk: Buffer = Buffer.alloc(0)
let view: DataView = new DataView(chunk.buffer)
/** The offsets in the chunk at which the current value began, and at which it continues. */
let began = 0
let at = 0

/** Makes room for `length` bytes, if need be by moving the written part of this value to a new chunk. */
function reserve(length: number): void {
  if (at + length <= chunk.length) return
  const written = at - began
  const next = Buffer.allocUnsafeSlow(Math.max(chunkSize, 2 * (written + length)))
  chunk.copy(next, 0, began, at)
  chunk = next
  view = new DataView(next.buffer, next.byteOffset, next.length)
  began = 0
  at = written
}

function writeVarint(value: number): void {
  let rest = value
  while (rest >= 0x80) {
    chunk[at++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  chunk[at++] = rest
}

function writeNumber(value: number): void {
  reserve(9)
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    if (value >= 0 && value < 0x80) {
      chunk[at++] = 0x80 | value
      return
    }
    // Zigzag doubles the value, and is used only if the result is still a safe integer.
    if (Math.abs(value) <= 0xf_ffff_ffff_ffff) {
      chunk[at++] = 0x04
      writeVarint(value < 0 ? -2 * value - 1 : 2 * value)
      return
    }
  }
  writeFloat(0x05, value)
}

function writeFloat(tag: number, value: number): void {
  reserve(9)
  chunk[at++] = tag
  view.setFloat64(at, value, true)
  at += 8
}

function writeString(value: string): void {
  const { length } = value
  reserve(6 + 2 * length)
  if (length < 0x40) {
    const start = at++
    for (let i = 0; i < length; i++) {
      const char = value.charCodeAt(i)
      if (char > 0xff) {
        at = start
        return writeUtf16(value)
      }
      chunk[at++] = char
    }
    chunk[start] = 0x40 | length
    return
  }
  // eslint-disable-next-line no-control-regex -- the range is what is meant
  if (/[^\u0000-\u00ff]/.test(value)) return writeUtf16(value)
  chunk[at++] = 0x06
  writeVarint(length)
  at += chunk.latin1Write(value, at, length)
}

function writeUtf16(value: string): void {
  chunk[at++] = 0x07
  writeVarint(2 * value.length)
  at += chunk.write(value, at, 2 * value.length, 'utf16le')
}

function writeBinary(kind: number, bytes: Uint8Array): void {
  reserve(12 + bytes.length)
  chunk[at++] = 0x0e
  chunk[at++] = kind
  writeVarint(bytes.length)
  chunk.set(bytes, at)
  at += bytes.length
}

function write(value: unknown, depth: number): void {
  switch (typeof value) {
    case 'number':
      return writeNumber(value)
    case 'string':
      return writeString(value)
    case 'boolean':
      reserve(1)
      chunk[at++] = value ? 0x03 : 0x02
      return
    case 'undefined':
      reserve(1)
      chunk[at++] = 0x00
      return
    case 'bigint':
      reserve(1)
      chunk[at++] = 0x08
      return writeString(value.toString())
    case 'object':
      if (depth >= depthMax) throw new Unfit(`something nested deeper than ${depthMax}, or in itself`)
      return writeObject(value, depth)
    case 'function':
    case 'symbol':
      throw new Unfit(`a ${typeof value}`)
  }
}

function writeObject(value: object | null, depth: number): void {
  reserve(12)
  if (value === null) {
    chunk[at++] = 0x01
    return
  }
  if (Array.isArray(value)) {
    chunk[at++] = 0x0a
    writeVarint(value.length)
    for (let i = 0; i < value.length; i++) write(value[i], depth + 1)
    return
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) {
    chunk[at++] = 0x0b
    for (const name in value) {
      writeString(name)
      try {
        write((value as Record<string, unknown>)[name], depth + 1)
      } catch (error) {
        throw error instanceof Unfit ? error.in(name) : error
      }
    }
    reserve(1)
    chunk[at++] = 0x0f
    return
  }
  if (value instanceof Map) {
    chunk[at++] = 0x0c
    writeVarint(value.size)
    for (const [key, content] of value) {
      write(key, depth + 1)
      write(content, depth + 1)
    }
    return
  }
  if (value instanceof Set) {
    chunk[at++] = 0x0d
    writeVarint(value.size)
    for (const content of value) write(content, depth + 1)
    return
  }
  if (value instanceof Date) return writeFloat(0x09, value.getTime())
  if (value instanceof ArrayBuffer) return writeBinary(arrayBufferKind, new Uint8Array(value))
  const kind = binaryKinds.findIndex(type => value instanceof type)
  if (kind < 0) throw new Unfit(`a ${value.constructor?.name ?? 'class'} instance`)
  const { buffer, byteOffset, byteLength } = value as Uint8Array
  writeBinary(kind, new Uint8Array(buffer, byteOffset, byteLength))
}

/** Thrown for a part of a value that cannot be written, with its path in the value. */
export class Unfit extends Error {
  readonly what: string
  readonly path: string

  constructor(what: string, path = '') {
    super(`${what}${path && ` at ${path}`}`)
    this.what = what
    this.path = path
  }

  in(name: string): Unfit {
    return new Unfit(this.what, this.path ? `${name}.${this.path}` : name)
  }
}

/**
 * The bytes of a value, a view of a chunk that other values share. Throws {@link Unfit} for a value that
 * cannot be carried.
 */
export function writeValue(value: unknown): Uint8Array {
  began = at
  try {
    write(value, 0)
  } catch (error) {
    at = began
    throw error
  }
  return chunk.subarray(began, at)
}
