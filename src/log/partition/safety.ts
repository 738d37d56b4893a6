/**
 * When a record of a partition is safe: from then on its append is acknowledged, and readers see it.
 *
 * - `durability: 'sync'`, or `flush.messages` of 1: once it is synced. A batch of a transaction asks for no
 *   sync: its commit does.
 * - `durability: 'os'`: once it is written. With `flush.messages` a batch that would leave so many records
 *   unsynced asks for a sync, and is acknowledged after it: fewer than so many are ever acknowledged and not
 *   synced. `flush.ms` syncs in the background ({@link TimedSync}).
 *
 * Both settings may change at any time.
 */
import type { SettingsSource } from './partition-settings.ts'

export class Safety {
  readonly #durability: 'sync' | 'os'
  readonly #source: SettingsSource

  constructor(durability: 'sync' | 'os', source: SettingsSource) {
    this.#durability = durability
    this.#source = source
  }

  /** A record is safe once it is synced; otherwise once it is written. */
  get isSynced(): boolean {
    return this.#unsyncedMax === 0
  }

  /** So many records may not be acknowledged, or committed, before they are synced. */
  needsSync(unsyncedRecords: number): boolean {
    return unsyncedRecords > this.#unsyncedMax
  }

  get #unsyncedMax(): number {
    return this.#durability === 'sync' ? 0 : this.#source.settings.flushMessages - 1
  }
}
