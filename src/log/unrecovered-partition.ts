/**
 * A partition whose log is not recovered yet. Its folder, its configuration and its checkpoints are known, so
 * its topic can be described, configured and deleted. Every other call waits for its recovery, which is then
 * the next one (recovery-queue.ts).
 */
import { MillraceError } from '../base/index.ts'
import { parsePartitionFolder } from './files/file-names.ts'
import type { PartitionConfig } from './files/partition-config.ts'
import type { PartitionSettings } from './partition/partition-settings.ts'
import type { Partition } from './partition/partition.ts'

/** Calls that wait for one partition. Each may hold a batch, whose bytes its producer bounds. */
const waitingMax = 10_000

/** What its folder and the checkpoints say. */
export interface FoundPartition {
  /** `<topic>-<index>` */
  readonly name: string
  readonly folder: string
  readonly config: PartitionConfig
  /** Its configuration could be read. */
  readonly isConfigured: boolean
  readonly settings: PartitionSettings
  /** The synced end by the checkpoint; undefined: it has none. */
  readonly recoveryPoint: number | undefined
  /** The start by the checkpoint; undefined: it has none. */
  readonly logStartOffset: number | undefined
}

interface WaitingCall {
  go(): void
  refuse(error: unknown): void
}

export class UnrecoveredPartition {
  readonly topic: string
  readonly index: number
  readonly name: string
  readonly folder: string
  /** Written by the directory. */
  config: PartitionConfig
  readonly isConfigured: boolean
  readonly recoveryPoint: number | undefined
  readonly logStartOffset: number | undefined
  /** It is recovered, but could not be made ready for its users. */
  recovered: Partition | undefined
  /** Why it cannot be recovered in this process. */
  failure: MillraceError | undefined
  readonly #demand: () => void
  #settings: PartitionSettings
  #waiting: WaitingCall[] = []
  #listeners = new Set<(error: unknown) => void>()

  /** `demand`: somebody waits for it. */
  constructor(found: FoundPartition, demand: (partition: UnrecoveredPartition) => void) {
    const { topic, index } = parsePartitionFolder(found.name)!
    this.topic = topic
    this.index = index
    this.name = found.name
    this.folder = found.folder
    this.config = found.config
    this.isConfigured = found.isConfigured
    this.recoveryPoint = found.recoveryPoint
    this.logStartOffset = found.logStartOffset
    this.#settings = found.settings
    this.#demand = () => demand(this)
  }

  get settings(): PartitionSettings {
    return this.#settings
  }

  /** Replaces the settings that it is recovered with. */
  configure(settings: PartitionSettings): void {
    this.#settings = settings
    this.recovered?.configure(settings)
  }

  /**
   * Makes a call once the partition is no longer unrecovered: it is open, refuses, or was deleted. Calls are
   * made in their order, in the turn in which it opens: no later call sees it open before they do.
   * @throws MillraceError DISK_FULL (retriable), DISK_FAILED: it could not be recovered; LIMIT_EXCEEDED
   *   (retriable): too many calls wait; CLOSED
   */
  once<T>(call: () => T | Promise<T>): Promise<T> {
    if (this.failure) return Promise.reject(this.failure)
    if (this.#waiting.length >= waitingMax)
      return Promise.reject(
        new MillraceError(
          'LIMIT_EXCEEDED',
          `${this.name} is being recovered, and ${waitingMax} calls wait for it. Try again later.`,
          { retriable: true },
        ),
      )
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const go = (): void => {
      try {
        resolve(call())
      } catch (error) {
        reject(error)
      }
    }
    this.#waiting.push({ go, refuse: reject })
    this.#demand()
    return promise
  }

  /**
   * Calls `listener` once: when the partition is no longer unrecovered, without an error; or when it could
   * not be recovered, with the reason. Returns a function that withdraws it.
   */
  whenSettled(listener: (error: unknown) => void): () => void {
    if (this.failure) {
      listener(this.failure)
      return () => undefined
    }
    this.#listeners.add(listener)
    this.#demand()
    return () => this.#listeners.delete(listener)
  }

  /** Makes the calls that wait, or refuses them. */
  settle(error?: unknown): void {
    const waiting = this.#waiting
    const listeners = this.#listeners
    this.#waiting = []
    this.#listeners = new Set()
    for (const listener of listeners) listener(error)
    for (const call of waiting)
      if (error === undefined) call.go()
      else call.refuse(error)
  }
}
