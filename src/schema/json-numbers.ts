/**
 * Parses JSON text, and refuses numbers that JavaScript would change.
 *
 * JavaScript reads each number as the nearest double. For a fraction this is usual, so `0.1` is fine, and
 * `1e-400` is 0. But a whole number past 2^53 may become another one, and a number past 1.8e308 becomes
 * infinite: these are refused. A whole number is accepted if JavaScript writes it back as the same number
 * (`1e23`, `1152921504606847000`). So every output of `JSON.stringify` can be read. 1152921504606846976 is
 * refused: a double holds it, but JavaScript writes it as 1152921504606847000. Of properties with one name in
 * an object only the last is read. The others are checked only beside another number past 2^53, for which the
 * text is looked at.
 */
import { endOfString } from '../base/index.ts'

/** Past it neighbouring whole numbers share a double. */
const exactMax = 2 ** 53
/** Of deeper values the text is looked at. */
const depthMax = 100
/** Characters of a number that a message shows. */
const shownMax = 40

const dot = 46
const zero = 48
const nine = 57
const plus = 43
const minus = 45
const quote = 34
const smallE = 101
const capitalE = 69

/**
 * Parses as `JSON.parse` does.
 *
 * @throws SyntaxError for text that is not JSON; RangeError for a number that would change: the message has
 *   the number, its place, and its value as a double
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  // Few records have a number that may have changed. To look at their values takes a tenth of the parser's
  // time, to look at the text of all would take up to half of it.
  const changing = mayHaveChanged(value, 0) ? firstChanging(text) : undefined
  if (changing !== undefined) throw new RangeError(changeInWords(text, changing))
  return value
}

/** Whether a value that was parsed holds a number that may have changed. False is certain, true is not. */
function mayHaveChanged(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return Math.abs(value) >= exactMax
  if (typeof value !== 'object' || value === null) return false
  if (depth === depthMax) return true
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1)
      if (mayHaveChanged(value[index], depth + 1)) return true
    return false
  }
  for (const name in value) {
    const part = (value as Record<string, unknown>)[name]
    if (typeof part === 'number') {
      if (Math.abs(part) >= exactMax) return true
    } else if (typeof part === 'object' && mayHaveChanged(part, depth + 1)) return true
  }
  return false
}

/** The first number of valid JSON text that changes, as it is written there. */
function firstChanging(text: string): string | undefined {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === quote) at = endOfString(text, at)
    else if (code === minus || isDigit(code)) {
      const start = at
      while (isOfNumber(text.charCodeAt(at + 1))) at += 1
      const source = text.slice(start, at + 1)
      if (numberChanges(source, Number(source))) return source
    }
  }
  return undefined
}

function isDigit(code: number): boolean {
  return code <= nine && code >= zero
}

function isOfNumber(code: number): boolean {
  return (
    isDigit(code) || code === dot || code === plus || code === minus || code === smallE || code === capitalE
  )
}

/** Whether a double changes a number of JSON. */
export function numberChanges(source: string, double: number): boolean {
  const size = Math.abs(double)
  if (size < exactMax) return false
  if (size === Number.POSITIVE_INFINITY) return true
  const written = decimalOf(source)
  // A fraction is rounded, as everywhere.
  if (written.exponent < 0) return false
  const shortest = decimalOf(String(size))
  return written.digits !== shortest.digits || written.exponent !== shortest.exponent
}

/** Its significant digits, without zeros at either end, and the power of ten that they are multiplied by. */
interface Decimal {
  readonly digits: string
  readonly exponent: number
}

/** Of a number that is neither 0 nor infinite. */
function decimalOf(source: string): Decimal {
  const [mantissa = '', exponent = '0'] = source.slice(source.startsWith('-') ? 1 : 0).split(/[eE]/)
  const [whole = '', fraction = ''] = mantissa.split('.')
  const digits = whole + fraction
  let first = 0
  while (digits[first] === '0') first += 1
  let end = digits.length
  while (digits[end - 1] === '0') end -= 1
  return {
    digits: digits.slice(first, end),
    exponent: Number(exponent) - fraction.length + (digits.length - end),
  }
}

function changeInWords(text: string, source: string): string {
  const shown = source.length > shownMax ? `${source.slice(0, shownMax)}…` : source
  const place = placeOf(text, source)
  return `the number ${shown}${place === '' ? '' : ` at '${place}'`} would become ${Number(source)}`
}

/**
 * The path of the first number with this text: `stops[2].id`. Empty if the value itself is the number, or if
 * the path is not known.
 */
function placeOf(text: string, source: string): string {
  const found: { path?: string; holder?: unknown } = {}
  try {
    // From the inside out: each holder of the number comes later as a value.
    JSON.parse(text, function look(this: unknown, name, value: unknown, context?: { source?: string }) {
      if (found.path === undefined ? context?.source === source : value === found.holder) {
        found.path = joined(this, name, found.path)
        found.holder = this
      }
      return value
    })
  } catch {
    // Too deep to be followed.
    return ''
  }
  return found.path ?? ''
}

/** Adds a part to the path `rest` within it. The outermost holder has one part, without a name. */
function joined(holder: unknown, name: string, rest: string | undefined): string {
  const own = Array.isArray(holder) ? `[${name}]` : name
  if (rest === undefined || rest === '') return own
  return own === '' || rest.startsWith('[') ? own + rest : `${own}.${rest}`
}
