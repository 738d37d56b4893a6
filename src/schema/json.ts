/** JSON text in UTF-8. */
import { jsonDecoder } from './json-decoder.ts'
import type { Serde } from './serde.ts'

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
 *
 * @param canonical Properties are written in the order of their names
 */
export function jsonSerde(canonical = false): Serde<unknown> {
  return { name: 'json', encode: canonical ? canonicalJson : plainJson, decode: jsonDecoder('exact') }
}

function plainJson(value: unknown): string {
  if (typeof value === 'number' && Number.isFinite(value)) return `${value}`
  refuseBytes(value)
  return jsonText(JSON.stringify(value), value)
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
 *
 * @throws TypeError for a value that JSON cannot hold
 */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object') return plainJson(value)
  // A replacer makes JSON.stringify take three times as long.
  if (isSorted(value)) return jsonText(JSON.stringify(value), value)
  refuseBytes(value)
  return jsonText(JSON.stringify(value, sorted), value)
}

/** The serde of JSON `serde`, except that each number is read as the nearest double. */
export function lossyJson(serde: Serde<unknown>): Serde<unknown> {
  return { ...serde, decode: jsonDecoder('lossy') }
}
