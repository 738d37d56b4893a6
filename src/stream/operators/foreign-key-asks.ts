/**
 * The first part of a foreign-key join (foreign-key-join.ts): each row asks for the row of the other table
 * that it refers to. It asks once, until it refers to another row or is deleted.
 */
import type { KeyCodec } from './key-codec.ts'
import type { Unary } from './operator.ts'
import { StreamRecord } from './record.ts'
import { returnedKey } from './returned.ts'
import type { Change } from './table-rows.ts'

/** Goes to the task that owns the key asked for. */
export interface Ask {
  /** The bytes of the asking row's key. */
  readonly asker: string
  /** False: it asks no longer. */
  readonly asks: boolean
}

/** The key of the other table's row that a row refers to; null for none. */
export type ForeignKey<K, V, K2> = (value: V, key: K) => K2 | null | undefined

/** The key that a row refers to, and its bytes; undefined for none. */
export function referredBy<K, V, K2>(
  foreignKey: ForeignKey<K, V, K2>,
  others: KeyCodec,
): (value: V | null, key: K) => { readonly key: K2; readonly raw: string } | undefined {
  return (value, key) => {
    if (value === null) return undefined
    const referred = returnedKey(foreignKey(value, key), 'a foreign key')
    return referred === null || referred === undefined
      ? undefined
      : { key: referred, raw: others.encode(referred) }
  }
}

/** `others`: how the keys of the other table become bytes. */
export const askByForeignKey = <K, V, K2>(
  foreignKey: ForeignKey<K, V, K2>,
  others: KeyCodec,
): Unary<Change<K, V>, StreamRecord<K2, Ask>> => ({
  name: 'foreign-key-asks',
  label: 'ask by foreign key',
  keys: () => others,
  acrossPartitions: true,
  make({ rawKey }, [asked]) {
    const referred = referredBy(foreignKey, others)
    return {
      inputs: [
        record => {
          const { timestamp, watermark, raised, headers } = record
          const before = referred(record.previous, record.key)
          const now = referred(record.value, record.key)
          if (before?.raw === now?.raw) return
          for (const [to, asks] of [[before, false] as const, [now, true] as const])
            if (to) {
              const ask = { asker: rawKey(record), asks }
              asked(
                new StreamRecord(to.key, ask, null, timestamp, watermark, raised, headers, undefined, to.raw),
              )
            }
        },
      ],
    }
  },
})
