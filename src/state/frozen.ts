/**
 * Values that the program and its state share cannot be changed by either.
 *
 * A value is frozen, with everything in it, where it becomes shared: when it enters a state, and when it goes to several branches. A
 * program that changes it then fails at that line. Maps, sets and dates lose the methods that change them. Typed arrays cannot be
 * frozen: who is given one from there is given a copy ({@link given}).
 */

/** Frozen values in which everything is known to be frozen; those that the program froze itself may hold what is not. */
const known = new WeakSet<object>()
/** Frozen values with a typed array or an ArrayBuffer in them. */
const withBinary = new WeakSet<object>()
let binarySeen = false

const mutators: readonly [type: new () => object, methods: readonly string[]][] = [
  [Map, ['set', 'delete', 'clear']],
  [Set, ['add', 'delete', 'clear']],
  [Date, Object.getOwnPropertyNames(Date.prototype).filter(name => name.startsWith('set'))],
]

/** The same value, frozen with everything in it. Values that are no objects cost nothing. */
export function frozen<T>(value: T): T {
  if (isObject(value)) freeze(value)
  return value
}

/** The value as the program is given it: the same one, or a copy where it holds what cannot be frozen. */
export function given<T>(value: T): T {
  return binarySeen && isObject(value) && hasBinary(value) ? frozen(copyOf(value) as T) : value
}

function hasBinary(value: object): boolean {
  return isBinary(value) || withBinary.has(value)
}

function isBinary(value: object): boolean {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer
}

/** Freezes; returns whether there is something binary in it. */
function freeze(value: object): boolean {
  if (Object.isFrozen(value)) {
    if (known.has(value)) return withBinary.has(value)
    known.add(value)
  } else {
    if (isBinary(value)) {
      binarySeen = true
      return true
    }
    closeMutators(value)
    Object.freeze(value)
  }
  const binary = freezeParts(value)
  if (binary) withBinary.add(value)
  return binary
}

function freezeParts(value: object): boolean {
  let binary = false
  if (Array.isArray(value)) {
    for (const part of value) if (isObject(part) && freeze(part)) binary = true
  } else if (value instanceof Map) {
    for (const [key, part] of value) {
      if (isObject(key) && freeze(key)) binary = true
      if (isObject(part) && freeze(part)) binary = true
    }
  } else if (value instanceof Set) {
    for (const part of value) if (isObject(part) && freeze(part)) binary = true
  } else {
    for (const name in value) {
      const part: unknown = (value as Record<string, unknown>)[name]
      if (isObject(part) && freeze(part)) binary = true
    }
  }
  return binary
}

function isObject(part: unknown): part is object {
  return typeof part === 'object' && part !== null
}

function closeMutators(value: object): void {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === Array.prototype) return
  for (const [type, methods] of mutators)
    if (value instanceof type)
      for (const name of methods) Object.defineProperty(value, name, { value: refuseChange })
}

function refuseChange(): never {
  throw new TypeError('Cannot change a value that the state of the app shares: return a new one.')
}

function copyOf(value: unknown): unknown {
  if (!isObject(value) || !hasBinary(value)) return value
  if (isBinary(value)) return structuredClone(value)
  if (Array.isArray(value)) return value.map(copyOf)
  if (value instanceof Map) return new Map([...value].map(([key, part]) => [key, copyOf(part)]))
  if (value instanceof Set) return new Set([...value].map(copyOf))
  const copy: Record<string, unknown> = {}
  for (const [name, part] of Object.entries(value)) copy[name] = copyOf(part)
  return copy
}
