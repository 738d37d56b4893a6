/**
 * The shape of inputs at random: their count, keys and times. Half of each are usual. The others are odd:
 * keys without a letter, times at either end of time, ties only, many records of one key.
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

/** So are these. */
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
  readonly span: number
  readonly disorder: number
  /** Times are multiples of it; so are the span and the disorder. */
  readonly unit: number
  /** Whether times may begin with 1970, so that windows of some begin before it. */
  readonly maySeeFirstDay: boolean
}

export function randomShape(random: Random, limits: ShapeLimits): Shape {
  const { unit } = limits
  const anyTime = usually(random, firstTimes)
  const firstTime = limits.maySeeFirstDay ? anyTime : Math.max(anyTime, firstTimes[0])
  const [span, disorder] = usually(random, [
    [20 + random.int(limits.span), random.int(limits.disorder)],
    [0, 0],
  ])
  const count = random.int(8) === 0 ? 200 : random.int(limits.count)
  const timeOf = (n: number): number => {
    const time = Math.floor((n * span) / count) - random.int(disorder + 1)
    return Math.max(0, firstTime + time * unit)
  }
  return { count, firstTime, keys: usually(random, keySets), timeOf }
}

/** Mostly the first. */
export function usually<T>(random: Random, all: readonly [T, ...T[]]): T {
  return random.int(2) === 0 ? all[0] : all[random.int(all.length)]!
}
