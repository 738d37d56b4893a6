/** Checks of the results of the program's functions, which must return something. */
import { inWords } from '../../base/index.ts'
import { encodedHeaders, isTimestamp, type OutgoingHeader } from '../../port/index.ts'
import type { RecordHeader } from '../../wire/index.ts'
import { frozen } from '../../state/index.ts'

/**
 * The value, unless there is none: a function that returned undefined most likely lacks a `return`, and one
 * that returned a promise would have to be awaited. Neither may become a deletion, or an empty object.
 * @throws TypeError which a task reports as USER_FUNCTION_FAILED
 */
export function returned<T>(value: T, method: string): T {
  if (value === undefined || value instanceof Promise) throw nothingReturned(value, method)
  return value
}

/**
 * What is left of a function that is called for what it does. A promise would continue when its record is
 * committed: what it does then would be lost in a crash, and its failure would be nobody's.
 * @throws TypeError which a task reports as USER_FUNCTION_FAILED
 */
export function done(result: unknown, method: string): void {
  if (result instanceof Promise) throw promised(result, method)
}

/** A key and a value, as a function returned them. */
export function returnedPair<K, V>(pair: readonly [K, V], method: string): readonly [key: K, value: V] {
  if (!Array.isArray(pair) || pair.length !== 2)
    throw new TypeError(`the function of ${method} must return pairs [key, value]; one is ${inWords(pair)}`)
  returned(pair[1], method)
  return pair
}

/** The result of a function that returns none, one or many. */
export function returnedMany<T>(many: Iterable<T>, method: 'flatMap' | 'flatMapValues'): Iterable<T> {
  // Text is iterable, too: by its characters, which nobody means.
  if (
    typeof many === 'object' &&
    typeof (many as Partial<Iterable<T>> | null)?.[Symbol.iterator] === 'function'
  )
    return many
  throw new TypeError(
    `the function of ${method} must return an iterable of ${method === 'flatMap' ? 'pairs [key, value]' : 'values'}, [] for none; it returned ${inWords(many)}`,
  )
}

/**
 * A key; undefined means no key, as null does. An object is frozen, as records of several branches share it
 * and state is stored under it.
 */
export function returnedKey<K>(key: K, method: string): K {
  if (typeof key === 'object') {
    if (key instanceof Promise) throw nothingReturned(key, method)
    return frozen(key)
  }
  // The type K includes undefined here, and null means the same: there is no key.
  return key === undefined ? (null as K) : key
}

/** An event time. */
export function returnedTimestamp(timestamp: number): number {
  if (isTimestamp(timestamp)) return timestamp
  throw new TypeError(
    `the function of withTimestamp must return milliseconds since 1970, a whole number; it returned ${inWords(timestamp)}`,
  )
}

/** A number by which values are compared. */
export function returnedNumber(number: number, method: string): number {
  if (typeof number === 'number' && !Number.isNaN(number)) return number
  throw new TypeError(`the function of ${method} must return a number; it returned ${inWords(number)}`)
}

/** An event time that a function passes on. */
export function passedTimestamp(timestamp: number, method: string): number {
  if (isTimestamp(timestamp)) return timestamp
  throw new TypeError(
    `${method} needs milliseconds since 1970, a whole number, as timestamp; got ${inWords(timestamp)}`,
  )
}

/** The names of millrace's own headers begin like this: those of a program would be taken for them. */
const ownHeaders = 'millrace.'

/** Headers as a program gives them: text becomes UTF-8. */
export function returnedHeaders(headers: readonly OutgoingHeader[]): readonly RecordHeader[] {
  const encoded = encodedHeaders(
    headers,
    reason =>
      new TypeError(`the headers that the function of withHeaders returned cannot be written: ${reason}`),
  )
  const own = encoded.find(({ key }) => key.startsWith(ownHeaders))
  if (!own) return encoded
  throw new TypeError(`the header '${own.key}' of withHeaders has a name of millrace's own: choose another`)
}

/** The answer of a predicate, by JavaScript's rules for true and false. */
export function returnedTruth(answer: unknown, method: string): boolean {
  if (answer === true || answer === false) return answer
  if (answer instanceof Promise) throw nothingReturned(answer, method)
  return Boolean(answer)
}

function nothingReturned(value: unknown, method: string): TypeError {
  return value instanceof Promise
    ? promised(value, method)
    : new TypeError(`the function of ${method} returned undefined; return a value, or return null to delete`)
}

function promised(promise: Promise<unknown>, method: string): TypeError {
  // It is refused, whatever becomes of it: a rejection that nobody handles would end the process.
  promise.catch(() => {})
  return new TypeError(
    `the function of ${method} returned a promise; functions of an app are synchronous: await in mapAsync`,
  )
}
