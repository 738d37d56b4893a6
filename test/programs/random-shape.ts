/**
 * The shape of inputs at random: their count, keys and times. Half of each are usual. The others are odd:
 * keys without a letter, times at either end of time, ties only, many records of one key. A few inputs are
 * large: thousands of records, of one key or of a thousand.
 */
import type { Random } from '../../src/base/index.ts'
import { timestampMax } from '../../src/port/index.ts'

/** Longer than anything waits. */
export const long = 1000

/** The usual ones come first. */
export const keySets: readonly [readonly string[], ...(readonly string[])[]] = [
  ['a', 'b', 'c', 'd'],
  ['a', '', 'b', ' '],
  // Two forms of one letter, and two keys whose order in bytes is not that in UTF-16.
  ['\u00e9', 'e\u0301', '\uffff', '\u{1f600}'],
  ['a'],
]

/** Those of a large input, at most three of one of the sets, or these. */
export const manyKeys: readonly string[] = Array.from({ length: 1000 }, (_, n) => `k${n}`)

/** One in so many inputs is large. */
export const largeOneIn = 64

/** The usual one comes first. */
export const firstTimes = [5 * long, 0, timestampMax - 50 * long] as const

export interface Shape {
  readonly count: number
  readonly keys: readonly string[]
  /** The first time without disorder. */
  readonly firstTime: number
  /** A time of the nth input: later ones have later times, but for disorder. */
  readonly timeOf: (n: number) => number
}

export interface ShapeLimits {
  /** Of usual inputs. */
  readonly count: number
  /** Of large ones. Default 5000; fewer where all records of a key are in each result. */
  readonly countMax?: number
  readonly span: number
  readonly disorder: number
  /** Times are multiples of it; so are the span and the disorder. */
  readonly unit: number
  /** Whether times may begin with 1970, so that windows of some begin before it. */
  readonly maySeeFirstDay: boolean
}

export function randomShape(random: Random, limits: ShapeLimits): Shape {
  const { unit, countMax = 5000 } = limits
  const isLarge = random.int(largeOneIn) === 0
  const anyTime = usually(random, firstTimes)
  const firstTime = limits.maySeeFirstDay ? anyTime : Math.max(anyTime, firstTimes[0])
  const [span, disorder] = usually(random, [
    [(20 + random.int(limits.span)) * (isLarge ? 1 + random.int(50) : 1), random.int(limits.disorder)],
    [0, 0],
  ])
  const few = random.int(8) === 0 ? 200 : random.int(limits.count)
  const count = isLarge ? Math.ceil((countMax * (2 + random.int(4))) / 5) : few
  const timeOf = (n: number): number => {
    const time = Math.floor((n * span) / count) - random.int(disorder + 1)
    return Math.max(0, firstTime + time * unit)
  }
  const set = usually(random, keySets)
  const keys = !isLarge ? set : random.int(3) === 0 ? manyKeys : set.slice(0, 1 + random.int(3))
  return { count, firstTime, keys, timeOf }
}

/** Mostly the first. */
export function usually<T>(random: Random, all: readonly [T, ...T[]]): T {
  return random.int(2) === 0 ? all[0] : all[random.int(all.length)]!
}
