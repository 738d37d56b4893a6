/** A sink of arrays that fulfils the contract and no more, with places to fail at. */
import { MillraceError } from '../base/index.ts'
import { RowsRefused, type Offsets, type Sink, type SinkRow } from './sink.ts'

export class MemoryTarget<K, V> {
  /** All rows, in the order of the writes that took effect. */
  readonly rows: SinkRow<K, V>[] = []
  readonly offsets: Map<number, number> = new Map()
  epoch = 0
  /** The topic that the offsets count. */
  topicId: string | undefined
  writes = 0
  /** Called before and after a write takes effect. Its errors reach the runner. */
  onWrite: (when: 'before' | 'after') => void = () => {}
  /** Rows that it refuses, without naming them. */
  refuses: (row: SinkRow<K, V>) => boolean = () => false
  /** Rows that it refuses by name. */
  cannotTake: (row: SinkRow<K, V>) => boolean = () => false

  sink(name = 'memory'): Sink<K, V> {
    return {
      name,
      open: ({ topicId }) => {
        if (this.offsets.size > 0 && topicId !== (this.topicId ?? topicId))
          return Promise.reject(new MillraceError('SINK_CHANGED', 'another topic'))
        this.topicId = topicId
        const epoch = ++this.epoch
        return Promise.resolve({
          committed: () => Promise.resolve(new Map(this.offsets)),
          write: async (rows: readonly SinkRow<K, V>[], to: Offsets) => {
            await Promise.resolve()
            if (epoch !== this.epoch) throw new MillraceError('SINK_FENCED', 'another writer')
            if ([...to].every(([partition, offset]) => (this.offsets.get(partition) ?? -1) >= offset)) return
            const unfit = rows.flatMap((row, index) =>
              this.cannotTake(row) ? [[index, 'it is unfit'] as const] : [],
            )
            if (unfit.length > 0) throw new RowsRefused(new Map(unfit))
            if (rows.some(this.refuses)) throw new MillraceError('SINK_REFUSED', 'not that one')
            this.onWrite('before')
            this.writes++
            this.rows.push(...rows)
            for (const [partition, offset] of to) this.offsets.set(partition, offset)
            this.onWrite('after')
          },
          close: () => Promise.resolve(),
        })
      },
    }
  }
}
