/** What a join of streams is: which records meet, which go out alone, and how late they may be. */
import { durationInWords } from '../../base/index.ts'
import type { RecordContext } from './record.ts'

/** Which records meet, and how late they may be. */
export interface JoinBounds {
  readonly beforeMs: number
  /** Not less than `-beforeMs`. */
  readonly afterMs: number
  readonly allowedLatenessMs: number
}

/** The method of the program. `leftJoin` preserves the left side, `outerJoin` both. */
export type JoinKind = 'join' | 'leftJoin' | 'outerJoin'

/** Makes a result of a pair; null for the side that a record alone lacks. */
export type Joiner<K, L, R, J> = (left: L | null, right: R | null, key: K, record: RecordContext) => J

/** A record without a match goes out later than a pair: by the time in which a match may come. */
export function latenessOfJoin(kind: JoinKind, { beforeMs, afterMs, allowedLatenessMs }: JoinBounds): number {
  const ofLeft = kind === 'join' ? 0 : afterMs
  const ofRight = kind === 'outerJoin' ? beforeMs : 0
  return allowedLatenessMs + Math.max(0, ofLeft, ofRight)
}

/** The join in words, with everything that defines it. */
export function describeJoin(kind: JoinKind, { beforeMs, afterMs, allowedLatenessMs }: JoinBounds): string {
  const inner = { join: 'inner join', leftJoin: 'left join', outerJoin: 'outer join' }[kind]
  const signed = (ms: number): string => (ms < 0 ? `-${durationInWords(-ms)}` : durationInWords(ms))
  const allowed = allowedLatenessMs > 0 ? `, lateness ${durationInWords(allowedLatenessMs)}` : ''
  return `${inner} streams, ${signed(beforeMs)} before to ${signed(afterMs)} after${allowed}`
}
