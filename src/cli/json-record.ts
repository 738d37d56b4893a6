/**
 * A record as a line of JSON: `consume --json` writes it, `produce --json` reads it.
 *
 * ```
 * {"partition":0,"offset":7,"timestamp":992516400000,"key":"DFW","value":"{\"delay\":42}"}
 * {"partition":0,"offset":8,"timestamp":992516400000,"key":null,"valueBase64":"/w==","headers":[{"key":"trace","value":"a1"}]}
 * ```
 *
 * Bytes that are UTF-8 are written as text, others as Base64 under the name `keyBase64` or `valueBase64`: a
 * round trip loses nothing. `headers` is left out of a record without any. In a hand-written line only the
 * value is needed. A key or value that is not a string is published as its JSON, byte for byte.
 */
import { isUtf8 } from 'node:buffer'
import { bufferOf, elementsOf, membersOf, MillraceError, nearestName, utf8 } from '../base/index.ts'
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

/**
 * The names that a line may have. Partition and offset are ignored: they tell where the record was, not where
 * it goes.
 */
const fields: readonly string[] = [
  'partition',
  'offset',
  'timestamp',
  'key',
  'keyBase64',
  'value',
  'valueBase64',
  'headers',
]
const headerFields: readonly string[] = ['key', 'value', 'valueBase64']

/** @throws MillraceError SOURCE_MALFORMED, where `at` names the line */
export function fromJsonLine(line: string, at: string): OutgoingRecord<Bytes | null, Bytes> {
  checkJson(line, at)
  const record = membersIn(line, at, 'it', fields)
  const timestamp = record.get('timestamp')
  const headers = record.get('headers')
  if (!record.has('value') && !record.has('valueBase64')) throw malformed(at, "it has no 'value'")
  return {
    key: bytesOf(record, 'key', at),
    value: bytesOf(record, 'value', at),
    ...(timestamp !== undefined && { timestamp: timestampOf(timestamp, at) }),
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

/** The text of each value by its name. */
type Members = ReadonlyMap<string, string>

/** @param what the object that has them, for messages */
function membersIn(text: string, at: string, what: string, known: readonly string[]): Members {
  if (!text.trimStart().startsWith('{')) throw malformed(at, `${what} is not a JSON object`)
  const members = new Map<string, string>()
  for (const [name, value] of membersOf(text)) {
    if (members.has(name)) throw malformed(at, `${what} has '${name}' twice`)
    if (!known.includes(name)) {
      const nearest = nearestName(name, known)
      throw malformed(
        at,
        `${what} has '${name}', ${nearest ? `did you mean '${nearest}'` : `and may have ${known.join(', ')}`}`,
      )
    }
    members.set(name, value)
  }
  for (const name of members.keys())
    if (members.has(`${name}Base64`)) throw malformed(at, `${what} has both '${name}' and '${name}Base64'`)
  return members
}

function bytesOf(members: Members, name: string, at: string): Bytes | null {
  const base64 = members.get(`${name}Base64`)
  if (base64 !== undefined) {
    const text: unknown = JSON.parse(base64)
    const bytes = typeof text === 'string' ? Buffer.from(text, 'base64') : undefined
    // Node skips characters that are not Base64. So only text that it writes back unchanged was Base64.
    if (bytes?.toString('base64') === text) return bytes!
    throw malformed(at, `its ${name}Base64 is not Base64`)
  }
  const value = members.get(name) ?? 'null'
  if (value === 'null') return null
  if (!value.startsWith('"')) return Buffer.from(value)
  const text = JSON.parse(value) as string
  if (text.isWellFormed()) return Buffer.from(text)
  throw malformed(at, `its ${name} holds half a surrogate pair, which UTF-8 cannot hold`)
}

function timestampOf(text: string, at: string): number {
  const timestamp: unknown = JSON.parse(text)
  if (Number.isSafeInteger(timestamp) && (timestamp as number) >= 0) return timestamp as number
  throw malformed(at, `its timestamp is ${text}, not milliseconds since the epoch`)
}

function headersOf(text: string, at: string): { key: string; value: Bytes | null }[] {
  if (!text.startsWith('[')) throw malformed(at, 'its headers are not an array')
  return elementsOf(text).map(element => {
    const header = membersIn(element, at, 'a header', headerFields)
    const key: unknown = JSON.parse(header.get('key') ?? 'null')
    if (typeof key !== 'string') throw malformed(at, "a header has no 'key'")
    return { key, value: bytesOf(header, 'value', at) }
  })
}

function checkJson(line: string, at: string): void {
  try {
    JSON.parse(line)
  } catch (error) {
    throw malformed(at, `it is not JSON (${(error as Error).message})`, error)
  }
}
