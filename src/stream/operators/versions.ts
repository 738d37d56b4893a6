/**
 * The versions of a table's rows (KIP-889): what each row was, and since when. Versions may come in any
 * order. A version ends where the next one begins, and the last one has no end. A deletion is a version, too.
 *
 * State: namespace = the end of a version, key → the version; the last one is at {@link forever}. So the
 * version that ended when another began is found by that time, and the versions of a key are a chain, from
 * the last one back. A version is forgotten when the watermark has passed its end by `keptMs`. That is the
 * watermark up to which everything has fired: what fires now may still look back.
 */
import { given, storable } from '../../state/index.ts'
import { inTurns, type Operator, type OperatorContext, stateBegin } from './operator.ts'

/** A version of a row; null: there is no row. */
interface Version<V> {
  readonly since: number
  readonly value: V | null
}

/** The end of a version that has not ended. */
const forever = Number.MAX_SAFE_INTEGER

/** What a key has before its first version. */
const never: Version<never> = { since: stateBegin, value: null }

/** The versions of a table's rows; `advance` and `deadline` are the operator's. */
export interface Versions<V> extends Required<Pick<Operator, 'advance' | 'deadline'>> {
  /** The last version of a row. */
  last(rawKey: string): Version<V>
  /** The row as it was at a time; null for none, and for one that is forgotten. */
  asOf(rawKey: string, timestamp: number): V | null
  /**
   * Adds a version, or replaces the one that began at the same time. Its time must not be one that the
   * watermark has passed by `keptMs`.
   */
  put(rawKey: string, key: unknown, timestamp: number, value: V | null): void
}

export function versionsOf<V>(context: OperatorContext, keptMs: number): Versions<V> {
  const versions = context.state<Version<V>>('versions', { isScanned: true })

  function* forget(): Generator<void> {
    let rows = 0
    const before = Math.min(context.watermark() - keptMs, forever)
    for (const { namespace: end, key } of versions.scan(stateBegin, before)) {
      versions.delete(end, key)
      const last = versions.get(forever, key)
      // A row that was deleted then: nothing is before it any more.
      if (last?.since === end && last.value === null) versions.delete(forever, key)
      if (++rows < context.rowsPerTurn()) continue
      yield
      rows = 0
    }
  }

  return {
    last(rawKey) {
      const { since, value } = versions.get(forever, rawKey) ?? never
      return { since, value: given(value) }
    },
    asOf(rawKey, timestamp) {
      let version = versions.get(forever, rawKey)
      while (version && version.since > timestamp) version = versions.get(version.since, rawKey)
      return version ? given(version.value) : null
    },
    put(rawKey, key, timestamp, value) {
      const version = { since: timestamp, value: storable(value, key) }
      let end = forever
      let found = versions.get(end, rawKey) ?? never
      while (found.since > timestamp) {
        end = found.since
        found = versions.get(end, rawKey) ?? never
      }
      if (found.since < timestamp) {
        versions.put(timestamp, rawKey, found)
        context.wakeAt(timestamp + keptMs + 1)
      }
      versions.put(end, rawKey, version)
    },
    advance: inTurns(forget),
    deadline() {
      const end = versions.firstNamespace() ?? forever
      return end === forever ? Number.POSITIVE_INFINITY : end + keptMs + 1
    },
  }
}
