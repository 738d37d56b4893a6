/**
 * The number that a text of a few digits is, as most keys are: a tenth of what the parser of JSON takes. -1
 * for any other text.
 */

const zero = 0x30
/** A number of more digits may change. */
const digitsMax = 15

/** Of the bytes from start to end. */
export function wholeNumberAt(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  // JSON has no zero before another digit.
  if (length === 0 || length > digitsMax || (length > 1 && bytes[start] === zero)) return -1
  let number = 0
  for (let at = start; at < end; at += 1) {
    const digit = bytes[at]! - zero
    if (digit < 0 || digit > 9) return -1
    number = 10 * number + digit
  }
  return number
}

export function wholeNumberOf(text: string): number {
  const { length } = text
  if (length === 0 || length > digitsMax || (length > 1 && text.charCodeAt(0) === zero)) return -1
  let number = 0
  for (let at = 0; at < length; at += 1) {
    const digit = text.charCodeAt(at) - zero
    if (digit < 0 || digit > 9) return -1
    number = 10 * number + digit
  }
  return number
}
