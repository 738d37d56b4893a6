/** Whole and decimal numbers, exactly. */

/** A whole number that JavaScript holds exactly. */
export function wholeNumber(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value
  return Number.isSafeInteger(value) ? BigInt(value as number) : undefined
}

const decimalForm = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/

/** More digits than any column has: longer texts are refused at once. */
const digitsMax = 4096

/**
 * A number, or its decimal text, times 10^scale; undefined if that is not a whole number, since a digit would
 * be lost. For a double its shortest text counts, so 0.1 is one tenth.
 */
export function scaledDecimal(value: unknown, scale: number): bigint | undefined {
  if (typeof value === 'bigint') return value * 10n ** BigInt(scale)
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text !== 'string' || text.length > digitsMax) return undefined
  const [form, sign, whole = '', fraction = '', exponent = '0'] = decimalForm.exec(text) ?? []
  if (form === undefined || whole + fraction === '') return undefined
  const digits = (whole + fraction).replace(/^0+/, '')
  if (digits === '') return 0n
  const shift = Number(exponent) - fraction.length + scale
  if (shift > digitsMax) return undefined
  const kept = shift >= 0 ? digits + '0'.repeat(shift) : digits.slice(0, Math.max(0, digits.length + shift))
  if (shift < 0 && /[1-9]/.test(digits.slice(kept.length))) return undefined
  return BigInt(`${sign === '-' ? '-' : ''}${kept}`)
}

/** A whole number, or its decimal text, as JSON has numbers that JavaScript does not hold. */
export function wholeNumberOrText(value: unknown): bigint | undefined {
  return typeof value === 'string' ? scaledDecimal(value, 0) : wholeNumber(value)
}
