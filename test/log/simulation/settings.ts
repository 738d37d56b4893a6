/** The settings of a simulated log, and how they change while it runs. */
import type { Random } from '../../../src/base/index.ts'
import { settingsDefault, type LogDirectoryOptions, type PartitionSettings } from '../../../src/log/index.ts'

/** The least bytes that any retention by size keeps. */
export const retainedBytesMin = 1000
/** The least time that any retention by time keeps. */
export const retainedMsMin = 2000
/** The least time that any setting keeps tombstones. */
export const deleteRetentionMsMin = 500

/** The policies among which a log changes; most logs are compacted at times. */
const policies = [['delete'], ['compact', 'compact,delete'], ['delete', 'compact', 'compact,delete']] as const

export class SimulatedSettings {
  readonly #random: Random
  readonly #policies: readonly string[]
  /** The least that `min.compaction.lag.ms` ever is: many logs are never without. */
  readonly compactionLagMsMin: number
  readonly options: Omit<LogDirectoryOptions, 'disk' | 'clock'>
  present: PartitionSettings

  constructor(random: Random) {
    this.#random = random
    this.#policies = this.#pick(policies)
    this.compactionLagMsMin = this.#pick([0, 0, 300])
    this.options = {
      durability: random.int(4) === 0 ? 'os' : 'sync',
      checkpointBytes: this.#pick([300, 1 << 20]),
      retentionCheckIntervalMs: 3000,
      maxOpenFiles: this.#pick([1, 3, 256]),
      indexBytesMax: this.#pick([0, 1200, 64 << 20]),
      cleaner: {
        dedupeBufferBytes: this.#pick([100, 200, 1 << 16]),
        portionBytes: this.#pick([61, 300, 4096]),
        backoffMs: this.#pick([50, 4000]),
      },
    }
    this.present = this.#next()
  }

  /** It may happen that the log is compacted. */
  get compacts(): boolean {
    return this.#policies.some(policy => policy.includes('compact'))
  }

  change(): PartitionSettings {
    this.present = this.#next()
    return this.present
  }

  #next(): PartitionSettings {
    const policy = this.#pick(this.#policies)
    return {
      ...settingsDefault,
      compact: policy.includes('compact'),
      delete: policy.includes('delete'),
      retentionBytes: this.#pick([-1, -1, retainedBytesMin, 3 * retainedBytesMin]),
      retentionMs: this.#pick([-1, -1, retainedMsMin, 3 * retainedMsMin]),
      segmentBytes: this.#pick([450, 450, 450, 800, 1500, 1 << 20]),
      segmentMs: this.#pick([settingsDefault.segmentMs, settingsDefault.segmentMs, 1500]),
      indexIntervalBytes: this.#pick([0, 200, 4096]),
      deleteRetentionMs: this.#pick([deleteRetentionMsMin, deleteRetentionMsMin, 3 * deleteRetentionMsMin]),
      minCompactionLagMs: this.#pick([this.compactionLagMsMin, 2 * this.compactionLagMsMin]),
      maxCompactionLagMs: this.#pick([settingsDefault.maxCompactionLagMs, 1000]),
      minCleanableDirtyRatio: this.#pick([0, 0.5]),
    }
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#random.int(choices.length)]!
  }
}
