/**
 * Tells which values JSON preserves. It changes some: NaN, infinities and undefined in arrays become null, a
 * Date becomes text, a Map an empty object, an instance of a class a plain object. An undefined property is
 * left out, which readers cannot tell from a missing one. -0 becomes 0, its equal.
 */

/**
 * Whether `JSON.parse` restores the value from `JSON.stringify`. For values without cycles: every part is
 * visited.
 */
export function survivesJson(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value)
    case 'object':
      return value === null || (Array.isArray(value) ? arraySurvives(value) : objectSurvives(value))
    case 'undefined':
    case 'bigint':
    case 'function':
    case 'symbol':
      return false
  }
}

function arraySurvives(values: readonly unknown[]): boolean {
  // By index: a hole is undefined.
  for (let index = 0; index < values.length; index += 1) if (!survivesJson(values[index])) return false
  return true
}

function objectSurvives(value: object): boolean {
  if (!isPlain(value)) return false
  for (const name in value) {
    const part = (value as Record<string, unknown>)[name]
    if (typeof part === 'string' || part === undefined) continue
    if (!survivesJson(part)) return false
  }
  return true
}

/** Whether it is an object literal, of this or another realm, or one without a prototype. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) return true
  if (prototype === null) return !isRawJson(value)
  return Object.getPrototypeOf(prototype) === null
}

/** Raw JSON, which `JSON.stringify` writes as it is, in engines that have it. */
function isRawJson(value: object): boolean {
  return (JSON as { isRawJSON?(given: unknown): boolean }).isRawJSON?.(value) ?? false
}

/**
 * The first part that JSON changes, with its place: `a Date at 'stops[1].at'`. Only if {@link survivesJson}
 * is false.
 */
export function lossInWords(value: unknown): string {
  const { path, part } = firstLoss(value, '')
  return path === '' ? nameOf(part) : `${nameOf(part)} at '${path}'`
}

interface Loss {
  readonly path: string
  readonly part: unknown
}

function firstLoss(value: unknown, path: string): Loss {
  if (typeof value === 'object' && value !== null && (Array.isArray(value) || isPlain(value))) {
    const parts: [string, unknown][] = Array.isArray(value)
      ? Array.from(value as unknown[], (part, index) => [`${path}[${index}]`, part])
      : Object.entries(value).flatMap(([name, part]) =>
          part === undefined ? [] : [[path === '' ? name : `${path}.${name}`, part]],
        )
    for (const [at, part] of parts) {
      if (!survivesJson(part)) return firstLoss(part, at)
    }
  }
  return { path, part: value }
}

function nameOf(part: unknown): string {
  if (typeof part === 'number') return String(part)
  if (typeof part !== 'object' || part === null) return part === undefined ? 'undefined' : `a ${typeof part}`
  const name: unknown = part.constructor?.name
  return typeof name === 'string' && name !== '' ? `a ${name}` : 'an object'
}
