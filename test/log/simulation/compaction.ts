/** How far a simulated log may have been compacted, and passes of the cleaner beside everything else. */
import { isMillraceError } from '../../../src/base/index.ts'
import type { Partition } from '../../../src/log/index.ts'
import type { Compacted } from './compaction-model.ts'
import type { LogModel } from './log-model.ts'
import type { SimulatedTime } from './safety.ts'
import { deleteRetentionMsMin, type SimulatedSettings } from './settings.ts'

export class SimulatedCompaction {
  readonly #model: LogModel
  readonly #settings: SimulatedSettings
  /** Passes may have begun up to here. */
  #begunTo = 0
  /** The latest time that the log has seen. */
  #latestMs = 0
  passes = 0
  /** Passes that have left some of what they could have compacted. */
  cutShort = 0

  constructor(model: LogModel, settings: SimulatedSettings) {
    this.#model = model
    this.#settings = settings
  }

  /** Perhaps the keys of records below were compacted. */
  get begunTo(): number {
    return this.#begunTo
  }

  /** The log was opened. */
  opened({ logEndOffset, compaction: { cleanedTo } }: Partition): void {
    this.#begunTo = Math.max(cleanedTo, Math.min(this.#begunTo, logEndOffset))
  }

  /** The cleaner may begin a pass now. */
  observe({ lastStableOffset }: Partition, { wallMs }: SimulatedTime): void {
    this.#latestMs = Math.max(this.#latestMs, wallMs)
    if (this.#settings.present.compact) this.#begunTo = Math.max(this.#begunTo, lastStableOffset)
  }

  /** Compacts what can be compacted now; false: nothing. */
  async clean(partition: Partition): Promise<boolean> {
    const hasWorked = await partition.compaction.clean()
    if (hasWorked) this.passes += 1
    if (hasWorked && partition.compaction.cleanedTo < this.#begunTo) this.cutShort += 1
    return hasWorked
  }

  /** What compaction may have done by now. `cleanedTo`: what it must have done. */
  state(cleanedTo: number, { passedMs }: SimulatedTime): Compacted {
    return {
      cleanedTo,
      begunTo: Math.max(cleanedTo, Math.min(this.#begunTo, this.#lagEnd())),
      tombstonesBeforeMs: passedMs - deleteRetentionMsMin,
    }
  }

  /** The first record that was always too young (`min.compaction.lag.ms`). */
  #lagEnd(): number {
    const { compactionLagMsMin } = this.#settings
    if (compactionLagMsMin === 0) return Infinity
    const youngMs = this.#latestMs - compactionLagMsMin
    return this.#model.records().find(({ timestamp }) => timestamp > youngMs)?.offset ?? Infinity
  }
}

/** A pass may find the disk full; any other error ends the process. */
export function isRefusedPass(error: unknown): boolean {
  return isMillraceError(error) && error.retriable
}
