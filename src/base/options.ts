/**
 * Checks of a program's options. A program without types gets these messages, instead of an option that is
 * silently ignored.
 */
import { durationMs, type Duration } from './duration.ts'
import { isMillraceError, MillraceError } from './errors.ts'
import { inWords, short } from './in-words.ts'

/**
 * The kind of an option: a name, or a list of allowed texts, or a function. The function returns undefined
 * for a valid value, otherwise what the value must be (as `a topic`). `count` is a whole number from 1,
 * `natural` one from 0; `string` is not empty.
 */
export type OptionKind =
  | 'any'
  | 'boolean'
  | 'count'
  | 'duration'
  | 'function'
  | 'natural'
  | 'object'
  | 'signal'
  | 'string'
  | readonly string[]
  | ((value: unknown) => string | undefined)

type NamedKind = Extract<OptionKind, string>

const kinds: Record<NamedKind, { readonly words: string; readonly admits: (value: unknown) => boolean }> = {
  any: { words: 'anything', admits: () => true },
  boolean: { words: 'true or false', admits: value => typeof value === 'boolean' },
  count: {
    words: 'a whole number, 1 or more',
    admits: value => Number.isSafeInteger(value) && (value as number) >= 1,
  },
  duration: { words: "milliseconds, or text such as '250ms', '30s' or '1h 30m'", admits: isDuration },
  function: { words: 'a function', admits: value => typeof value === 'function' },
  natural: {
    words: 'a whole number, 0 or more',
    admits: value => Number.isSafeInteger(value) && (value as number) >= 0,
  },
  object: { words: 'an object', admits: isObject },
  signal: { words: 'an AbortSignal', admits: isSignal },
  string: { words: 'text that is not empty', admits: value => typeof value === 'string' && value !== '' },
}

/**
 * Checks that `given` has only options of `known`, each of its kind. Undefined counts as left out.
 *
 * @param what names them in messages, as `the consumer of 'flights'`
 * @throws MillraceError INVALID_ARGUMENT, which names the option, its fault, and the nearest known name;
 *   INVALID_DURATION for a duration
 */
export function checkOptions(
  what: string,
  given: unknown,
  known: Readonly<Record<string, OptionKind>>,
): void {
  if (given === undefined) return
  if (!isObject(given))
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `The options of ${what} must be an object, got ${inWords(given)}.`,
    )
  for (const [name, value] of Object.entries(given)) {
    const kind = Object.hasOwn(known, name) ? known[name] : undefined
    if (kind === undefined) throw unknownOption(what, name, Object.keys(known))
    if (value !== undefined) checkOption(what, name, value, kind)
  }
}

/** Checks one option, or one argument by its name: see {@link checkOptions}. */
export function checkOption(what: string, name: string, value: unknown, kind: OptionKind): void {
  const expected = expectedInstead(value, kind)
  if (expected !== undefined)
    throw new MillraceError(
      kind === 'duration' ? 'INVALID_DURATION' : 'INVALID_ARGUMENT',
      `Option '${name}' of ${what} must be ${expected}, got ${inWords(value)}.`,
    )
}

/** The name among `known` that is most like `name`, if any is close; for messages about typing errors. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined
  let least = Math.max(2, Math.ceil(name.length / 3)) + 1
  for (const each of known) {
    const edits = editsBetween(name.toLowerCase(), each.toLowerCase())
    if (edits < least) [nearest, least] = [each, edits]
  }
  return nearest
}

/** What the value must be, in words; undefined for a valid value. */
function expectedInstead(value: unknown, kind: OptionKind): string | undefined {
  if (typeof kind === 'function') return kind(value)
  if (typeof kind === 'string') return kinds[kind].admits(value) ? undefined : kinds[kind].words
  return typeof value === 'string' && kind.includes(value) ? undefined : oneOf(kind)
}

/** `'a', 'b' or 'c'`. */
function oneOf(names: readonly string[]): string {
  const quoted = names.map(name => `'${name}'`)
  const last = quoted.pop()
  return quoted.length === 0 ? String(last) : `${quoted.join(', ')} or ${last}`
}

function unknownOption(what: string, name: string, known: readonly string[]): MillraceError {
  const nearest = nearestName(name, known)
  const instead =
    nearest === undefined
      ? known.length === 0
        ? 'It takes none.'
        : `It takes: ${known.join(', ')}.`
      : `Did you mean '${nearest}'?`
  return new MillraceError('INVALID_ARGUMENT', `Unknown option '${short(name)}' of ${what}. ${instead}`)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSignal(value: unknown): boolean {
  return isObject(value) && 'aborted' in value && 'addEventListener' in value
}

function isDuration(value: unknown): boolean {
  if (typeof value !== 'number' && typeof value !== 'string') return false
  try {
    durationMs(value as Duration)
    return true
  } catch (error) {
    if (isMillraceError(error)) return false
    throw error
  }
}

/** How many letters must be inserted, removed or changed (Levenshtein). */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}
