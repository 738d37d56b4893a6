/**
 * A log of one partition that remembers the batches appended to it, with a gap after each commit in place of
 * a marker.
 */
import { assignOffsets, keepRecords, RecordBatch, rewriteBatch } from '../wire/index.ts'
import type { BatchToAppend, FetchedBatch, LogPort, Reader } from '../port/index.ts'

export interface RecordedLog {
  readonly port: LogPort
  append(topic: string, partition: number, batch: BatchToAppend): void
  /** Ends a transaction: the batches since the last end become readable, or never will. */
  end(outcome: 'commit' | 'abort'): void
  /** The offset after all batches and markers. */
  readonly endOffset: number
  /** All readable records of all time, deletes as null. */
  records(): { offset: number; key: string; value: Uint8Array | null }[]
  /** Keeps the last record of each key below an offset, without the tombstones, as compaction does. */
  compact(below: number): void
  /** Drops the batches below an offset, as retention does. */
  trimTo(offset: number): void
}

export function recordedLog(): RecordedLog {
  const readable: RecordBatch[] = []
  let open: RecordBatch[] = []
  let next = 0
  let start = 0

  const batchesFrom = (offset: number): RecordBatch[] => readable.filter(batch => batch.lastOffset >= offset)

  function reader(): Reader {
    let position = 0
    return {
      assign([place]) {
        position = place!.offset
      },
      take(topic, partition): FetchedBatch | undefined {
        const [batch, following] = batchesFrom(position)
        if (!batch) return undefined
        const firstOffset = position
        position = following?.baseOffset ?? next
        return { topic, partition, batch, firstOffset, nextOffset: position }
      },
      atEnd: () => position >= next,
      position: () => position,
      end: () => next,
      wait() {
        // Only markers and aborted records are left: the reader skips them.
        if (batchesFrom(position).length === 0) position = next
        return Promise.resolve()
      },
      closed: false,
      close: () => Promise.resolve(),
    }
  }

  const port: Partial<LogPort> = {
    offsets: (_topic, _partition, at) => Promise.resolve(at === 'earliest' ? start : next),
    openReader: () => Promise.resolve(reader()),
  }

  return {
    port: port as LogPort,
    append(_topic, _partition, batch) {
      const { count } = batch
      const bytes = batch.build({ transactional: true })
      assignOffsets(bytes, next, 0)
      open.push(new RecordBatch(bytes))
      next += count
    },
    end(outcome) {
      if (outcome === 'commit') readable.push(...open)
      open = []
      next++
    },
    get endOffset() {
      return next
    },
    records: () =>
      readable.flatMap(batch => {
        const found: { offset: number; key: string; value: Uint8Array | null }[] = []
        const cursor = batch.records()
        while (cursor.next())
          found.push({
            offset: cursor.offset,
            key: cursor.bytes.latin1Slice(cursor.keyStart, cursor.keyEnd),
            value: cursor.value(),
          })
        return found
      }),
    compact(below) {
      const last = new Map<string, number>()
      for (const { offset, key } of this.records()) if (offset < below) last.set(key, offset)
      const compacted = readable.splice(0).flatMap(batch => {
        if (batch.lastOffset >= below) return [batch]
        const kept = keepRecords(batch, cursor => {
          const key = cursor.bytes.latin1Slice(cursor.keyStart, cursor.keyEnd)
          return cursor.valueStart >= 0 && last.get(key) === cursor.offset
        })
        return kept.count > 0 ? [new RecordBatch(rewriteBatch(batch, kept))] : []
      })
      readable.push(...compacted)
    },
    trimTo(offset) {
      start = offset
      while (readable[0] && readable[0].lastOffset < offset) readable.shift()
    },
  }
}
