/** The JSON text of values that JSON holds exactly. A column takes objects and arrays only in this form. */

type Found = 'plain' | 'bigint'

/**
 * Undefined if JSON would change the value (NaN, undefined in an array, a Map, bytes, a cycle), or DuckDB
 * would refuse the text (half a surrogate pair). Dates become ISO text, and bigints their digits.
 */
export function jsonTextOf(value: unknown): string | undefined {
  try {
    const found = survey(value)
    if (found === undefined) return undefined
    return found === 'plain' ? JSON.stringify(value) : JSON.stringify(value, digits)
  } catch {
    // A cycle, more levels than the stack takes, or a toJSON that throws.
    return undefined
  }
}

/** Whether JSON holds the value, and whether it has bigints. */
function survey(value: unknown): Found | undefined {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? 'plain' : undefined
    case 'boolean':
      return 'plain'
    case 'number':
      return Number.isFinite(value) ? 'plain' : undefined
    case 'bigint':
      return 'bigint'
    case 'object':
      return value === null ? 'plain' : surveyObject(value)
    case 'undefined':
    case 'function':
    case 'symbol':
      return undefined
  }
}

function surveyObject(value: object): Found | undefined {
  if (value instanceof Date) return Number.isFinite(value.getTime()) ? 'plain' : undefined
  const { toJSON } = value as { toJSON?: unknown }
  if (typeof toJSON === 'function') return survey(toJSON.call(value, ''))
  if (Array.isArray(value)) return surveyAll(value)
  if (!isPlain(value)) return undefined
  return surveyAll(
    Object.entries(value).flatMap(([name, part]) => (part === undefined ? [] : [name, part as unknown])),
  )
}

function surveyAll(parts: readonly unknown[]): Found | undefined {
  let found: Found = 'plain'
  // By index: a hole is undefined.
  for (let index = 0; index < parts.length; index++) {
    const part = survey(parts[index])
    if (part === undefined) return undefined
    if (part === 'bigint') found = part
  }
  return found
}

/** Whether it is an object literal, of this or another realm, or one without a prototype. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown }
const digits = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? rawJSON(String(value)) : value
