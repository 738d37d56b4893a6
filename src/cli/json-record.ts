/**
 * A record as a line of JSON, in both directions: what `consume --json` writes, `produce --json` reads.
 *
 * ```
 * {"partition":0,"offset":7,"timestamp":992516400000,"key":"DFW","value":"{\"delay\":42}"}
 * {"partition":0,"offset":8,"timestamp":992516400000,"key":null,"valueBase64":"/w==","headers":[{"key":"trace","value":"a1"}]}
 * ```
 *
 * Bytes stand as the text that they are in UTF-8, or, where they are none, as Base64 under a name that says so: a round trip loses nothing. `headers` is there
 * where a record has some. For those who write such lines by hand, a key or value that is no text is published as its JSON, and only a
 * value is needed.
 */
import { isUtf8 } from 'node:buffer'
import { bufferOf, MillraceError, utf8 } from '../base/index.ts'
import type { ConsumedRecord, OutgoingRecord } from '../port/index.ts'

type Bytes = Uint8Array

export function toJsonLine(record: ConsumedRecord<Bytes, Bytes>): string {
  const { partition, offset, timestamp, key, value, headers } = record
  return JSON.stringify({
    partition,
    offset,
    timestamp,
    ...named('key', key),
    ...named('value', value),
    ...(headers.length > 0 && {
      headers: headers.map(header => ({ key: header.key, ...named('value', header.value) })),
    }),
  })
}

/** @throws MillraceError SOURCE_MALFORMED, where `at` names the line */
export function fromJsonLine(line: string, at: string): OutgoingRecord<Bytes | null, Bytes> {
  const record = parsed(line, at)
  const { timestamp, headers } = record
  if (timestamp !== undefined && !(Number.isSafeInteger(timestamp) && (timestamp as number) >= 0))
    throw malformed(at, `its timestamp is ${JSON.stringify(timestamp)}, not milliseconds since the epoch`)
  if (!('value' in record) && !('valueBase64' in record)) throw malformed(at, "it has no 'value'")
  return {
    key: bytesOf(record, 'key', at),
    value: bytesOf(record, 'value', at),
    ...(timestamp !== undefined && { timestamp: timestamp as number }),
    ...(headers !== undefined && { headers: headersOf(headers, at) }),
  }
}

export function malformed(at: string, why: string, cause?: unknown): MillraceError {
  return new MillraceError('SOURCE_MALFORMED', `${at} cannot be published: ${why}.`, { cause })
}

type Fields = Readonly<Record<string, unknown>>

function named(name: string, bytes: Bytes | null): Fields {
  if (bytes === null) return { [name]: null }
  return isUtf8(bytes) ? { [name]: utf8(bytes) } : { [`${name}Base64`]: bufferOf(bytes).toString('base64') }
}

function bytesOf(fields: Fields, name: string, at: string): Bytes | null {
  const base64 = fields[`${name}Base64`]
  if (base64 !== undefined) {
    const bytes = typeof base64 === 'string' ? Buffer.from(base64, 'base64') : undefined
    // Node reads what it can: only what it writes again was Base64.
    if (bytes?.toString('base64') === base64) return bytes
    throw malformed(at, `its ${name}Base64 is not Base64`)
  }
  const value = fields[name] ?? null
  if (value === null) return null
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  if (text.isWellFormed()) return Buffer.from(text)
  throw malformed(at, `its ${name} holds half a surrogate pair, which UTF-8 cannot hold`)
}

function headersOf(headers: unknown, at: string): { key: string; value: Bytes | null }[] {
  if (!Array.isArray(headers)) throw malformed(at, 'its headers are not an array')
  return headers.map((header: unknown) => {
    if (!isFields(header) || typeof header['key'] !== 'string') throw malformed(at, "a header has no 'key'")
    return { key: header['key'], value: bytesOf(header, 'value', at) }
  })
}

function parsed(line: string, at: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    throw malformed(at, `it is not JSON (${(error as Error).message})`, error)
  }
  if (isFields(value)) return value
  throw malformed(at, 'it is not a JSON object')
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
