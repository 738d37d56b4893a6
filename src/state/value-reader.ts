/**
 * Reads state values: see value-codec.ts for the format. Every length is checked against the bytes left
 * before it is used.
 */
import { arrayBufferKind, binaryKinds } from './binary-kinds.ts'

let source: Buffer = Buffer.alloc(0)
let readAt = 0
let readEnd = 0

/** Property names repeat: a direct-mapped table, by a hash of their chars, saves creating them again. */
const names: string[] = Array<string>(1024).fill('')

function damaged(what: string): Error {
  return new Error(`not a state value: ${what}`)
}

function readByte(): number {
  if (readAt >= readEnd) throw damaged('it ends early')
  return source[readAt++]!
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

/** Reads a length, and checks that as many bytes are left. */
function readLength(): number {
  const length = readVarint()
  if (length > readEnd - readAt) throw damaged('it ends early')
  return length
}

function readFloat(): number {
  return source.readDoubleLE(take(8))
}

function take(length: number): number {
  readAt += length
  if (readAt > readEnd) throw damaged('it ends early')
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
  // A copy: typed arrays must be aligned, and must not keep alive the buffer that they were read from.
  const { buffer } = Uint8Array.prototype.slice.call(source, start, readAt)
  if (kind === arrayBufferKind) return buffer
  const type = binaryKinds[kind]
  if (!type) throw damaged(`a binary of kind ${kind}`)
  return new type(buffer)
}

/** Reads the value that takes exactly the bytes from start to end. Throws for bytes that are not a value. */
export function readValue(bytes: Buffer, start: number, end: number): unknown {
  source = bytes
  readAt = start
  readEnd = end
  const value = read()
  if (readAt !== end) throw damaged('bytes follow its end')
  return value
}
