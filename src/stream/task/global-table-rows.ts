/**
 * The rows of a global table in this instance. The topic itself holds them: they are read from its beginning
 * at each start, so no changelog keeps them.
 */
import { DecodedBatch, type FetchedBatch } from '../../port/index.ts'
import { type ErrorPolicy, Malformed } from '../../schema/index.ts'
import { KeyedState, given, storable } from '../../state/index.ts'
import { topicKeyCodec, type KeyCodec } from '../operators/key-codec.ts'
import type { GlobalRows } from '../operators/operator.ts'
import type { AnyTopic } from '../plan/graph.ts'
import { settleMalformed } from './bad-records.ts'

/** Counts a record that is not a row. */
type Drop = (reason: 'null-key' | 'malformed') => void

export class GlobalTableRows implements GlobalRows {
  readonly topic: AnyTopic
  readonly #keys: KeyCodec
  readonly #decoded: DecodedBatch<unknown, unknown>
  readonly #rows: KeyedState<unknown>
  readonly #policy: ErrorPolicy
  readonly #drop: Drop

  /**
   * `policy`: for records that cannot be read. What would be a dead letter is only counted: each start reads
   * it again.
   */
  constructor(topic: AnyTopic, policy: ErrorPolicy, drop: Drop) {
    this.topic = topic
    this.#keys = topicKeyCodec(topic.key)
    this.#decoded = new DecodedBatch(topic.key, topic.value, false)
    this.#rows = new KeyedState(`the global table '${topic.name}'`)
    this.#policy = policy === 'fail' ? 'fail' : 'skip'
    this.#drop = drop
  }

  get(key: unknown): unknown {
    return given(this.#rows.get(0, this.#keys.encode(key)))
  }

  /** Takes a batch of the topic: a record replaces the row of its key, and null deletes it. */
  apply(batch: FetchedBatch): void {
    const decoded = this.#decoded
    decoded.load(batch)
    for (let n = 0; n < decoded.count; n += 1) {
      const [key, value] = [decoded.keys[n], decoded.values[n]]
      if (key instanceof Malformed) this.#malformed(batch, n, `its key: ${key.reason}`)
      else if (value instanceof Malformed) this.#malformed(batch, n, `its value: ${value.reason}`)
      else if (key === null || key === undefined) this.#drop('null-key')
      else if (value === null || value === undefined) this.#rows.delete(0, this.#keys.encode(key))
      else this.#rows.put(0, this.#keys.encode(key), storable(value, key))
    }
    decoded.release()
    // No commit counts them: they are stored at once.
    this.#rows.committed(0)
  }

  #malformed({ topic, partition }: FetchedBatch, n: number, reason: string): void {
    const decoded = this.#decoded
    const place = { topic, partition, offset: decoded.offsets[n] as number }
    const timestamp = decoded.timestamps[n] as number
    const [key, value] = [decoded.rawKey(n), decoded.rawValue(n)]
    const sink = { drop: () => this.#drop('malformed'), deadLetter: () => {} }
    settleMalformed(this.#policy, sink, { place, partition, timestamp, key, value, headers: [] }, reason)
  }
}
