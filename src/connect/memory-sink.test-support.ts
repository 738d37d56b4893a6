/** A sink of arrays: what the contract asks for and nothing else, with places to fail at. */
import { MillraceError } from '../base/index.ts'
import type { Offsets, Sink, SinkRow } from './sink.ts'

export class MemoryTarget<K, V> {
  /** Every row, in the order of the writes that took effect. */
  readonly rows: SinkRow<K, V>[] = []
  readonly offsets: Map<number, number> = new Map()
  epoch = 0
  writes = 0
  /** Called before and after a write takes effect; what it throws is thrown at the runner. */
  onWrite: (when: 'before' | 'after') => void = () => {}
  refuses: (row: SinkRow<K, V>) => boolean = () => false

  sink(name = 'memory'): Sink<K, V> {
    return {
      name,
      open: () => {
        const epoch = ++this.epoch
        return Promise.resolve({
          committed: () => Promise.resolve(new Map(this.offsets)),
          write: async (rows: readonly SinkRow<K, V>[], to: Offsets) => {
            await Promise.resolve()
            if (epoch !== this.epoch) throw new MillraceError('SINK_FENCED', 'another writer')
            if ([...to].every(([partition, offset]) => (this.offsets.get(partition) ?? -1) >= offset)) return
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
