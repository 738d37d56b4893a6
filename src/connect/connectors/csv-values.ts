/** The grammar of CSV fields, by the kind of their column. JavaScript's own parsers accept more. */
import { numberChanges, parseJson } from '../../schema/index.ts'
import type { ColumnKind } from '../columns.ts'
import { daysOfDate, millisOfInstant } from '../instants.ts'

/** The value of a text; undefined if it is not of the kind, or would be changed. */
export const valueOfKind: Readonly<Record<ColumnKind, (text: string) => unknown>> = {
  string: text => text,
  integer(text) {
    const value = integerForm.test(text) ? Number(text) : NaN
    // Not -0, which JSON writes as another text.
    return Number.isSafeInteger(value) ? value + 0 : undefined
  },
  number: text => (numberForm.test(text) ? exactNumber(text) : undefined),
  boolean: text => booleans[text.length === 4 || text.length === 5 ? text.toLowerCase() : ''],
  timestamp: millisOfInstant,
  date: text => (daysOfDate(text) === undefined ? undefined : text),
  bytes: bytesOfBase64,
  json: jsonOf,
}

/** The names of the kinds, for values that are not of them. */
export const kindInWords: Readonly<Record<ColumnKind, string>> = {
  string: 'text',
  integer: 'a whole number up to 2^53 - 1',
  number: 'a number, or not one that a double holds',
  boolean: "'true' or 'false'",
  timestamp: 'a time such as 2001-06-14T08:30:00Z',
  date: 'a date such as 2001-06-14',
  bytes: 'base64',
  json: 'JSON, or holds a number that a double does not',
}

const integerForm = /^[+-]?\d+$/
const numberForm = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
const booleans: Readonly<Record<string, boolean>> = Object.assign(
  Object.create(null) as Record<string, boolean>,
  { true: true, false: false },
)

/**
 * The number of a text in the form of one. Undefined if it is infinite as a double, or a whole number that a
 * double changes.
 */
function exactNumber(text: string): number | undefined {
  const value = Number(text)
  return numberChanges(text.startsWith('+') ? text.slice(1) : text, value) ? undefined : value
}

function bytesOfBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  const canonical = bytes.toString('base64')
  return text === canonical || text === canonical.replace(/=+$/, '') ? new Uint8Array(bytes) : undefined
}

function jsonOf(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}
