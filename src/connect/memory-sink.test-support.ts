/**
 * A sink of arrays over {@link TransactionalOffsets}: it fulfils the contract and no more, with places to
 * fail at.
 */
import { MillraceError } from '../base/index.ts'
import { RowsRefused, type Offsets, type Sink, type SinkRow } from './sink.ts'
import { TransactionalOffsets, type OffsetStore, type StoredOffset } from './transactional-offsets.ts'

export class MemoryTarget<K, V> implements OffsetStore {
  /** All rows, in the order of the writes that took effect. */
  readonly rows: SinkRow<K, V>[] = []
  readonly offsets: Map<number, number> = new Map()
  epoch = 0
  /** The topic that the offsets belong to. */
  topicId: string | undefined
  /** Partitions that a sink has claimed. */
  partitions = 0
  writes = 0
  /** Called before and after a write takes effect. Its errors reach the runner. */
  onWrite: (when: 'before' | 'after') => void = () => {}
  /** Rows that it refuses, without naming them. */
  refuses: (row: SinkRow<K, V>) => boolean = () => false
  /** Rows that it refuses by name. */
  cannotTake: (row: SinkRow<K, V>) => boolean = () => false

  owner(): Promise<string | undefined> {
    return Promise.resolve(this.topicId)
  }

  read(): Promise<ReadonlyMap<number, StoredOffset>> {
    const { epoch, offsets, partitions } = this
    const all = new Set([...Array(partitions).keys(), ...offsets.keys()])
    return Promise.resolve(new Map(Array.from(all, p => [p, { next: offsets.get(p), epoch }])))
  }

  claim(topicId: string, epoch: number, partitions: number): Promise<void> {
    this.topicId = topicId
    this.epoch = epoch
    this.partitions = Math.max(this.partitions, partitions)
    return Promise.resolve()
  }

  move(to: Offsets): Promise<void> {
    for (const [partition, offset] of to) this.offsets.set(partition, offset)
    return Promise.resolve()
  }

  sink(name = 'memory'): Sink<K, V> {
    return {
      name,
      open: async ({ topic, topicId, partitions }) => {
        const owner = {
          sink: name,
          topic: topic.name,
          topicId,
          target: 'memory',
          remedy: 'Take another target.',
        }
        const offsets = await TransactionalOffsets.open(this, owner)
        await offsets.claim(partitions)
        return {
          committed: () => offsets.committed(),
          write: async (rows: readonly SinkRow<K, V>[], to: Offsets) => {
            if (await offsets.once(to, () => this.#take(rows))) this.onWrite('after')
          },
          close: () => Promise.resolve(),
        }
      },
    }
  }

  async #take(rows: readonly SinkRow<K, V>[]): Promise<void> {
    const unfit = rows.flatMap((row, index) =>
      this.cannotTake(row) ? [[index, 'it is unfit'] as const] : [],
    )
    if (unfit.length > 0) throw new RowsRefused(new Map(unfit))
    if (rows.some(this.refuses)) throw new MillraceError('SINK_REFUSED', 'not that one')
    this.onWrite('before')
    this.writes++
    this.rows.push(...rows)
  }
}
