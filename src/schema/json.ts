/**
 * JSON text in UTF-8.
 *
 * Each record is decoded by one `utf8Slice` and one `JSON.parse`. Measured with 200-byte records on Node 26:
 * nine tenths of the time is the parser's. Three alternatives win less than a tenth each: latin-1 slices of
 * ASCII, one string for a batch, one parse for a batch. Each needs a second path for text that is not ASCII.
 */
import { isUtf8 } from 'node:buffer'
import { bufferOf, wholeNumberAt } from '../base/index.ts'
import type { Numbers } from './codec.ts'
import { parseJson } from './json-numbers.ts'
import { Malformed, type Serde, type Slices } from './serde.ts'

/**
 * The replacement character, which decoders write for bytes that are not UTF-8. Valid text may hold it too.
 */
const replacement = '\ufffd'

/** The text of one entry; a Malformed if its bytes are not UTF-8. */
export function textOf(buffer: Buffer, start: number, end: number): string | Malformed {
  const text = buffer.utf8Slice(start, end)
  // The search costs nothing on one-byte strings, which cannot hold the replacement character.
  if (text.includes(replacement) && !isUtf8(buffer.subarray(start, end))) return new Malformed('not UTF-8')
  return text
}

function decodeWith(numbers: Numbers, slices: Slices, into: unknown[]): void {
  const { count, starts, ends } = slices
  const buffer = bufferOf(slices.bytes)
  for (let i = 0; i < count; i++) {
    const start = starts[i]!
    if (start < 0) {
      into[i] = null
      continue
    }
    const whole = wholeNumberAt(buffer, start, ends[i]!)
    if (whole >= 0) {
      into[i] = whole
      continue
    }
    const text = textOf(buffer, start, ends[i]!)
    if (typeof text !== 'string') {
      into[i] = text
      continue
    }
    try {
      into[i] = numbers === 'lossy' ? JSON.parse(text) : parseJson(text)
    } catch (error) {
      const { message } = error as Error
      into[i] = new Malformed(error instanceof SyntaxError ? `not JSON: ${message}` : message)
    }
  }
}

function decode(slices: Slices, into: unknown[]): void {
  decodeWith('exact', slices, into)
}

function jsonText(text: string | undefined, value: unknown): string {
  if (text === undefined)
    throw new TypeError(
      `JSON cannot write ${typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`}`,
    )
  return text
}

function refuseBytes(value: unknown): void {
  if (ArrayBuffer.isView(value))
    throw new TypeError("bytes would be written as a JSON object of numbers; set the format to 'bytes'")
}

/**
 * JSON as `JSON.stringify` writes it. The text `null` reads as null, the record's own null. A number that
 * would change is malformed.
 *
 * Encoding throws TypeError for a value that JSON cannot hold (undefined, a function, a bigint, a cycle).
 */
export const jsonSerde: Serde<unknown> = {
  name: 'json',
  encode(value) {
    if (typeof value === 'number' && Number.isFinite(value)) return `${value}`
    refuseBytes(value)
    return jsonText(JSON.stringify(value), value)
  },
  decode,
}

/** Deeper values are left to the writer, which finds cycles. */
const depthMax = 100

/**
 * Whether the writer would find the properties of all plain objects in the order of their names. False is not
 * certain.
 */
function isSorted(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depth > depthMax || 'toJSON' in value) return false
  if (Array.isArray(value)) return value.every(part => isSorted(part, depth + 1))
  if (Object.getPrototypeOf(value) !== Object.prototype) return false
  let before = ''
  for (const name in value) {
    if (name < before || !isSorted((value as Record<string, unknown>)[name], depth + 1)) return false
    before = name
  }
  return true
}

/** Sorts the properties of plain objects at any depth; a `toJSON` has run before. */
function sorted(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const names = Object.keys(value)
  if (names.every((name, i) => i === 0 || names[i - 1]! <= name)) return value
  return Object.fromEntries(names.sort().map(name => [name, (value as Record<string, unknown>)[name]]))
}

/**
 * JSON for keys: properties are written in the order of their names, so that equal keys are equal bytes. A
 * key's bytes decide its partition, and identify it for compaction and state.
 */
export const canonicalJsonSerde: Serde<unknown> = {
  name: 'json',
  encode(value) {
    if (typeof value !== 'object') return jsonSerde.encode(value)
    // A replacer makes JSON.stringify take three times as long.
    if (isSorted(value)) return jsonText(JSON.stringify(value), value)
    refuseBytes(value)
    return jsonText(JSON.stringify(value, sorted), value)
  },
  decode,
}

/** The serde of JSON `serde`, except that each number is read as the nearest double. */
export function lossyJson(serde: Serde<unknown>): Serde<unknown> {
  return { ...serde, decode: (slices, into) => decodeWith('lossy', slices, into) }
}
