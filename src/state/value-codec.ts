/**
 * How state values are written: a compact binary form of what JavaScript values are made of, exact where JSON and MessagePack are not.
 *
 * A value is a tag and its content; integers are little-endian base-128 varints:
 *
 *     0x00 undefined   0x01 null   0x02 false   0x03 true
 *     0x04 integer     zigzag varint, any safe integer but -0
 *     0x05 number      float64, little-endian
 *     0x06 latin1      varint length, one byte per char
 *     0x07 utf16       varint length in bytes, two bytes per char (lone surrogates included)
 *     0x08 bigint      latin1 string of its decimal digits, tagged
 *     0x09 Date        float64, ms since the epoch or NaN
 *     0x0a Array       varint count, values
 *     0x0b object      key string, value, …, 0x0f
 *     0x0c Map         varint count, key, value, …
 *     0x0d Set         varint count, values
 *     0x0e binary      kind byte, varint length in bytes, bytes
 *     0x0f end of object
 *     0x40–0x7f        latin1 string of 0 to 63 chars
 *     0x80–0xff        integers 0 to 127
 *
 * Carried exactly: undefined, null, booleans, numbers (NaN, ±Infinity and -0 too), strings, bigints, Date, plain objects, arrays (holes
 * become undefined), Map, Set, ArrayBuffer and typed arrays. Everything else is refused, as it would come back as something else.
 */
import { bufferOf, MillraceError } from '../base/index.ts'

/** Turns the values of a state into bytes and back. */
export interface ValueCodec<V> {
  encode(value: V): Uint8Array
  decode(bytes: Uint8Array): V
}

/** Deeper values are refused: they are cyclic, or will be. */
const depthMax = 500
/** Encoded values are views of chunks of this size, or of one of their own where they are larger. */
const chunkSize = 65_536

const binaryKinds = [
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
] as const
const arrayBufferKind = binaryKinds.length

let chunk: Buffer = Buffer.alloc(0)
let view: DataView = new DataView(chunk.buffer)
/** Where the value being written began, and where it goes on. */
let began = 0
let at = 0

/** Makes room for `length` bytes, moving what has been written of this value to a new chunk. */
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
    // 2 × a safe integer is exact; the sign goes into the lowest bit only where that stays so.
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

/** What cannot be written, and where in the value it is. */
class Unfit extends Error {
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

let source: Buffer = Buffer.alloc(0)
let sourceView: DataView = new DataView(source.buffer)
let readAt = 0

/** Property names keep coming back: a direct-mapped table by hash of their chars saves making them anew. */
const names: string[] = Array<string>(1024).fill('')

function damaged(what: string): Error {
  return new Error(`not a state value: ${what}`)
}

function readByte(): number {
  const byte = source[readAt++]
  if (byte === undefined) throw damaged('it ends early')
  return byte
}

function readVarint(): number {
  let value = 0
  for (let scale = 1; ; scale *= 0x80) {
    const byte = readByte()
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value
    if (scale > Number.MAX_SAFE_INTEGER) throw damaged('a number is too long')
  }
}

/** A length, and as many bytes are there. */
function readLength(): number {
  const length = readVarint()
  if (length > source.length - readAt) throw damaged('it ends early')
  return length
}

function readFloat(): number {
  if (readAt + 8 > source.length) throw damaged('it ends early')
  readAt += 8
  return sourceView.getFloat64(readAt - 8, true)
}

function take(length: number): number {
  readAt += length
  if (readAt > source.length) throw damaged('it ends early')
  return readAt - length
}

function readLatin1(length: number): string {
  const start = take(length)
  return source.latin1Slice(start, readAt)
}

function readName(tag: number): string {
  if (tag < 0x40 || tag >= 0x80) {
    const name = readTagged(tag)
    if (typeof name !== 'string') throw damaged('a property has no name')
    return name
  }
  const length = tag & 0x3f
  const start = take(length)
  let hash = length
  for (let i = start; i < readAt; i++) hash = Math.imul(hash, 31) + source[i]!
  const slot = (hash ^ (hash >>> 10)) & 1023
  const kept = names[slot]!
  if (kept.length === length) {
    let i = 0
    while (i < length && kept.charCodeAt(i) === source[start + i]) i++
    if (i === length) return kept
  }
  return (names[slot] = source.latin1Slice(start, readAt))
}

function read(): unknown {
  return readTagged(readByte())
}

function readTagged(tag: number): unknown {
  if (tag >= 0x80) return tag & 0x7f
  if (tag >= 0x40) return readLatin1(tag & 0x3f)
  switch (tag) {
    case 0x00:
      return undefined
    case 0x01:
      return null
    case 0x02:
      return false
    case 0x03:
      return true
    case 0x04: {
      const zigzag = readVarint()
      return zigzag % 2 === 1 ? -(zigzag + 1) / 2 : zigzag / 2
    }
    case 0x05:
      return readFloat()
    case 0x06:
      return readLatin1(readLength())
    case 0x07: {
      const start = take(readLength())
      return source.toString('utf16le', start, readAt)
    }
    case 0x08:
      return BigInt(read() as string)
    case 0x09:
      return new Date(readFloat())
    case 0x0a: {
      const array: unknown[] = []
      for (let left = readLength(); left > 0; left--) array.push(read())
      return array
    }
    case 0x0b:
      return readObject()
    case 0x0c: {
      const map = new Map<unknown, unknown>()
      for (let left = readLength(); left > 0; left--) {
        const key = read()
        map.set(key, read())
      }
      return map
    }
    case 0x0d: {
      const set = new Set<unknown>()
      for (let left = readLength(); left > 0; left--) set.add(read())
      return set
    }
    case 0x0e:
      return readBinary()
    default:
      throw damaged(`tag ${tag}`)
  }
}

function readObject(): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  for (;;) {
    const tag = readByte()
    if (tag === 0x0f) return object
    const name = readName(tag)
    const value = read()
    if (name === '__proto__')
      Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
    else object[name] = value
  }
}

function readBinary(): unknown {
  const kind = readByte()
  const start = take(readLength())
  // A copy: typed arrays must be aligned, and must not hold the buffer that they were read from.
  const { buffer } = Uint8Array.prototype.slice.call(source, start, readAt)
  if (kind === arrayBufferKind) return buffer
  const type = binaryKinds[kind]
  if (!type) throw damaged(`a binary of kind ${kind}`)
  return new type(buffer)
}

/**
 * The codec that states use unless they bring their own.
 *
 * `encode` throws INVALID_ARGUMENT for what it cannot carry; its result is a view of a larger buffer. `decode` throws for bytes that it did not write.
 */
export const valueCodec: ValueCodec<unknown> = {
  encode(value) {
    began = at
    try {
      write(value, 0)
    } catch (error) {
      at = began
      if (error instanceof Unfit)
        throw new MillraceError(
          'INVALID_ARGUMENT',
          `State can hold plain objects, arrays, Map, Set, Date, typed arrays and plain values, but not ${error.message}.`,
          { cause: error },
        )
      throw error
    }
    return chunk.subarray(began, at)
  },
  decode(bytes) {
    source = bufferOf(bytes)
    sourceView = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    readAt = 0
    const value = read()
    if (readAt !== source.length) throw damaged('it goes on after its end')
    return value
  },
}
