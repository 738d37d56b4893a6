/**
 * A buffer of records by key and time: what a join of streams keeps of one side.
 *
 * Time is cut into pieces as long as a look-up, which so reads two of them at most. Records are forgotten a
 * piece at a time. Pieces of half the length are forgotten sooner, but take 28 % more time. The records of a
 * key in a piece are on pages, in the order in which they came. Only the open page is written again with a
 * record, however many there are; a full one gets a number, and another one is opened.
 *
 * State: namespace = start of the piece, key → the open page; the namespaces after it have the full pages, by
 * their numbers.
 */
import { storable } from '../../state/index.ts'
import type { RecordHeader } from '../../wire/index.ts'
import { appended } from './appended.ts'
import { inTurns, type Operator, type OperatorContext, stateBegin } from './operator.ts'
import type { StreamRecord } from './record.ts'

/** A record as it is kept. */
export interface Buffered<V> {
  readonly timestamp: number
  readonly watermark: number
  readonly value: V
  /** Left out if false. */
  readonly raised?: boolean
  /** Left out if there are none. */
  readonly headers?: readonly RecordHeader[]
}

/** The buffer of one side; `advance` and `deadline` are the operator's. */
export interface RecordBuffer<V> extends Required<Pick<Operator, 'advance' | 'deadline'>> {
  /** Keeps a record, unless the watermark has passed the time for which it would be kept. */
  put(rawKey: string, record: Buffered<V>): void
  /** The records of a key with from ≤ timestamp ≤ to, by time and then in the order in which they came. */
  between(rawKey: string, from: number, to: number): readonly Buffered<V>[]
}

interface Page<V> {
  /** The number of full pages before it. */
  readonly full: number
  readonly records: readonly Buffered<V>[]
}

/** A page with as many records is full. */
const pageRecords = 32
/** A piece has room for the numbers of as many pages as it has milliseconds; then its open page grows. */
const pieceMsMin = 64

/**
 * `spanMs`: how long look-ups are. `keptMs`: a record is kept until the watermark has passed its timestamp by
 * this, which may be less than 0, and at most a piece longer.
 */
export function recordBuffer<V>(
  context: OperatorContext,
  name: string,
  spanMs: number,
  keptMs: number,
): RecordBuffer<V> {
  const pages = context.state<Page<V>>(name, { isScanned: true })
  const pieceMs = Math.max(pieceMsMin, spanMs)
  const pieceOf = (timestamp: number): number => Math.floor(timestamp / pieceMs) * pieceMs
  /** The watermark at which a piece can be forgotten. */
  const endOf = (piece: number): number => piece + pieceMs + keptMs
  // Not looked up yet: state is restored after the operator was made.
  let oldest = Number.NEGATIVE_INFINITY

  const forget = inTurns(to =>
    pages.deleteInTurns(stateBegin, pieceOf(to - keptMs), () => context.rowsPerTurn()),
  )

  return {
    put(rawKey, record) {
      const { timestamp } = record
      if (context.watermark() > timestamp + keptMs) return
      const piece = pieceOf(timestamp)
      const open = pages.get(piece, rawKey)
      if (open && open.records.length >= pageRecords && open.full + 1 < pieceMs) {
        const full = open.full + 1
        pages.put(piece + full, rawKey, open)
        pages.put(piece, rawKey, { full, records: [record] })
        return
      }
      pages.put(piece, rawKey, { full: open?.full ?? 0, records: appended(open?.records ?? [], record) })
      if (piece >= oldest) return
      oldest = piece
      context.wakeAt(endOf(piece))
    },
    between(rawKey, from, to) {
      let found: Buffered<V>[] | undefined
      let isInOrder = true
      for (let piece = pieceOf(from); piece <= to; piece += pieceMs) {
        const open = pages.get(piece, rawKey)
        if (open === undefined) continue
        for (let n = 1; n <= open.full + 1; n += 1) {
          const page = n > open.full ? open : pages.get(piece + n, rawKey)
          for (const record of page?.records ?? []) {
            const { timestamp } = record
            if (timestamp < from || timestamp > to) continue
            if (found === undefined) found = [record]
            else {
              isInOrder &&= found.at(-1)!.timestamp <= timestamp
              found.push(record)
            }
          }
        }
      }
      if (found === undefined) return nothing
      return isInOrder ? found : found.sort((a, b) => a.timestamp - b.timestamp)
    },
    advance(to) {
      if (!forget(to)) return false
      oldest = pieceOf(pages.firstNamespace() ?? Number.POSITIVE_INFINITY)
      return true
    },
    deadline: () => endOf(oldest),
  }
}

const nothing: readonly never[] = []

/** What is kept of a record. */
export function buffered<V>({
  timestamp,
  watermark,
  value,
  raised,
  headers,
  key,
}: StreamRecord<unknown, V>): Buffered<V> {
  const kept = { timestamp, watermark, value: storable(value, key) }
  return raised || headers.length > 0 ? { ...kept, raised, headers } : kept
}
