/**
 * Values that the program and its state share cannot be changed by either.
 *
 * A value is frozen, with everything in it, when it enters a state and when it goes to several branches. A
 * program that changes it then fails at that line. Maps, sets and dates lose the methods that change them.
 * Typed arrays cannot be frozen: the program is given a copy ({@link given}). Instances of other classes are
 * left alone, as they may change themselves; no state can hold them.
 */
import { inWords, MillraceError } from '../base/index.ts'
import { valueCodec } from './value-codec.ts'

/** Deeper values cannot be written: most likely they are cyclic. */
const depthMax = 500

/**
 * Flags for the content of a value: other objects, something that cannot be frozen, something that cannot be
 * written.
 */
const nested = 1
const binary = 2
const unfit = 4

/**
 * The flags of frozen values that were searched. A value that the program froze itself may hold objects that
 * are not frozen.
 */
const known = new WeakMap<object, number>()
/** Whether any value had something binary in it so far. Until then {@link given} has nothing to do. */
let binarySeen = false

const mutators: readonly [type: new () => object, methods: readonly string[]][] = [
  [Map, ['set', 'delete', 'clear']],
  [Set, ['add', 'delete', 'clear']],
  [Date, Object.getOwnPropertyNames(Date.prototype).filter(name => name.startsWith('set'))],
]

/** The same value, frozen with everything in it. Values that are not objects cost nothing. */
export function frozen<T>(value: T): T {
  if (isObject(value)) freeze(value, 0)
  return value
}

/**
 * The same value, frozen, for a state to hold. `key`: the key that the value belongs to, for the message.
 *
 * @throws MillraceError INVALID_ARGUMENT for a value that a state cannot hold
 */
export function storable<T>(value: T, key: unknown): T {
  const isUnfit = isObject(value)
    ? (freeze(value, 0) & unfit) > 0
    : typeof value === 'function' || typeof value === 'symbol'
  if (isUnfit)
    try {
      valueCodec.encode(value)
    } catch (cause) {
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `${(cause as Error).message} It is of key ${inWords(key)}.`,
        {
          cause,
        },
      )
    }
  return value
}

/** The value to give to the program: the same one, or a copy if something in it cannot be frozen. */
export function given<T>(value: T): T {
  return binarySeen && isObject(value) && hasBinary(value) ? frozen(copyOf(value) as T) : value
}

function hasBinary(value: object): boolean {
  return isBinary(value) || ((known.get(value) ?? 0) & binary) > 0
}

function isBinary(value: object): boolean {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer
}

/** Freezes the value, and returns the flags of its content. */
function freeze(value: object, depth: number): number {
  if (depth >= depthMax) return unfit
  if (Object.isFrozen(value)) {
    const before = known.get(value)
    if (before !== undefined) return before
    const found = freezeParts(value, depth)
    // Searching a flat value again takes less time than remembering its flags.
    if (found > 0) known.set(value, found)
    return found
  }
  if (!isPlain(value)) {
    if (isBinary(value)) {
      binarySeen = true
      return binary
    }
    if (!closeMutators(value)) return unfit
  }
  Object.freeze(value)
  const found = freezeParts(value, depth)
  if (found > nested) known.set(value, found)
  return found
}

function freezeParts(value: object, depth: number): number {
  let found = 0
  if (Array.isArray(value)) for (const part of value) found |= freezePart(part, depth)
  else if (value instanceof Map)
    for (const [key, part] of value) found |= freezePart(key, depth) | freezePart(part, depth)
  else if (value instanceof Set) for (const part of value) found |= freezePart(part, depth)
  else
    for (const name in value) {
      const part = (value as Record<string, unknown>)[name]
      if (typeof part !== 'string' && typeof part !== 'number') found |= freezePart(part, depth)
    }
  return found
}

function freezePart(part: unknown, depth: number): number {
  if (typeof part === 'object') return part === null ? 0 : freeze(part, depth + 1) | nested
  return typeof part === 'function' || typeof part === 'symbol' ? unfit : 0
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null
}

/** Takes away the methods that change a Map, Set or Date; false for anything else. */
function closeMutators(value: object): boolean {
  for (const [type, methods] of mutators) {
    if (!(value instanceof type)) continue
    for (const name of methods) Object.defineProperty(value, name, { value: refuseChange })
    return true
  }
  return false
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
  // Not by assignment: that would take a property `__proto__` for the prototype.
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, copyOf(part)]))
}
