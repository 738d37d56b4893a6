/** What the text of a CSV field may be, by the kind of its column: the grammar of that kind, not what a JavaScript function makes of it. */
import type { ColumnKind } from '../columns.ts'
import { daysOfDate, millisOfInstant } from '../instants.ts'

/** The value of a text; undefined for one that is not of the kind, or that the value would change. */
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

/** What a value is called that is not of the kind. */
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

/** A double holds every whole number of so many digits. */
const exactDigits = 15

/** The number of a text that has the form of one; undefined where it is infinite as a double, or a whole number that is another one as a double. */
function exactNumber(text: string): number | undefined {
  const value = Number(text)
  if (text.length <= exactDigits && value < 1e300 && value > -1e300) return value
  if (!Number.isFinite(value)) return undefined
  if (Number.isSafeInteger(value) || !Number.isInteger(value)) return value
  const digits = wholeDigits(text)
  // What is not whole rounds, as decimals do. The text that JavaScript writes of a double is taken for it.
  return digits === undefined ||
    BigInt(Math.abs(value)) === BigInt(digits) ||
    shortestDigits(value) === digits
    ? value
    : undefined
}

/** The digits of the whole number that a text is, without zeros in front; undefined for one with decimals that are not zero. */
function wholeDigits(text: string): string | undefined {
  const [, whole = '', decimals = '', exponent = '0'] =
    /^[+-]?(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text) ?? []
  const digits = whole + decimals
  const point = whole.length + Number(exponent)
  if (/[1-9]/.test(digits.slice(point))) return undefined
  return digits.slice(0, point).padEnd(point, '0').replace(/^0+/, '')
}

/** The digits of a whole number as JavaScript writes them: the shortest that give this double, then zeros. */
function shortestDigits(value: number): string {
  const [digits = '', exponent] = String(Math.abs(value)).split('e+')
  return exponent === undefined ? digits : digits.replace('.', '').padEnd(Number(exponent) + 1, '0')
}

function bytesOfBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  const canonical = bytes.toString('base64')
  return text === canonical || text === canonical.replace(/=+$/, '') ? new Uint8Array(bytes) : undefined
}

/** Digits in a row, or an exponent: only then a number may be another one as a double. */
const suspicious = /\d{16}|\d[eE]/

function jsonOf(text: string): unknown {
  try {
    if (!suspicious.test(text)) return JSON.parse(text) as unknown
    let isExact = true
    const value: unknown = JSON.parse(text, (_, part: unknown, context?: { source?: string }) => {
      if (typeof part === 'number') isExact &&= exactNumber(context?.source ?? String(part)) !== undefined
      return part
    })
    return isExact ? value : undefined
  } catch {
    return undefined
  }
}
