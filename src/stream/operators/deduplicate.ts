/**
 * Passes the first record of each key within a time, by timestamps in either direction. Only the order of a
 * key's records decides which are duplicates: a record that is not late finds all passed records near it.
 *
 * State: namespace = start of a piece of time as long as `within`, key → timestamp of the record that has
 * passed. Two passed records are at least `within` apart, so a piece holds one, and a record is compared with
 * three pieces. A piece is forgotten when the watermark has passed all times at which a record that is not
 * late may be near it.
 */
import { durationInWords } from '../../base/index.ts'
import { hasKey, inTurns, type Maybe, type OperatorSpec, stateBegin } from './operator.ts'
import type { StreamRecord } from './record.ts'

export const deduplicate = <K, V>(
  withinMs: number,
  allowedLatenessMs: number,
): OperatorSpec<[StreamRecord<Maybe<K>, V>], [first: StreamRecord<K, V>, late: StreamRecord<K, V>]> => ({
  name: 'deduplicate',
  label: inWords(withinMs, allowedLatenessMs),
  outlets: ['first', 'late'],
  stateful: true,
  allowedLatenessMs,
  make(context, [first, lateOutput]) {
    const passed = context.state<number>('passed', { isScanned: true })
    /** From the start of a piece to the watermark that forgets it. */
    const keptMs = 2 * withinMs + allowedLatenessMs
    const isNear = (timestamp: number, piece: number, rawKey: string): boolean => {
      const other = passed.get(piece, rawKey)
      return other !== undefined && Math.abs(timestamp - other) < withinMs
    }
    return {
      inputs: [
        record => {
          const { timestamp } = record
          if (!hasKey<K, V>(record)) return context.drop('null-key')
          if (record.watermark > timestamp + allowedLatenessMs) return context.late(record, lateOutput)
          const rawKey = context.rawKey(record)
          const piece = Math.floor(timestamp / withinMs) * withinMs
          if (
            isNear(timestamp, piece, rawKey) ||
            isNear(timestamp, piece - withinMs, rawKey) ||
            isNear(timestamp, piece + withinMs, rawKey)
          )
            return context.drop('duplicate')
          passed.put(piece, rawKey, timestamp)
          first(record)
        },
      ],
      advance: inTurns(to => passed.deleteInTurns(stateBegin, to - keptMs + 1, () => context.rowsPerTurn())),
      deadline() {
        const watermark = context.watermark()
        if (!Number.isFinite(watermark)) return watermark
        return (Math.floor((watermark - keptMs) / withinMs) + 1) * withinMs + keptMs
      },
    }
  },
})

function inWords(withinMs: number, allowedLatenessMs: number): string {
  const allowed = allowedLatenessMs > 0 ? `, lateness ${durationInWords(allowedLatenessMs)}` : ''
  return `deduplicate within ${durationInWords(withinMs)}${allowed}`
}
