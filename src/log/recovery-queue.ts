/**
 * Recovers partitions while the others answer: a few at a time, and first those that somebody waits for.
 *
 * A partition is either open or in this queue. It leaves the queue in one turn: its users find it open, and
 * the calls that waited for it are made. One that cannot be recovered stays here: for lack of room until the
 * next call asks for it, otherwise until the process ends.
 */
import { MillraceError, type Clock } from '../base/index.ts'
import { diskError } from './files/disk-errors.ts'
import type { Partition } from './partition/partition.ts'
import { UnrecoveredPartition, type FoundPartition } from './unrecovered-partition.ts'

/** Partitions that are recovered at a time … */
const runningMax = 8
/** … and of those, the ones that nobody waits for. */
const backgroundMax = 4

/** Makes a recovered partition ready for its users. Called again if it could not, as on a full disk. */
export type MakeReady = (partition: Partition) => Promise<void>

export interface RecoveryQueueContext {
  readonly clock: Clock
  /** `pause` gives the turn to others, and throws where the recovery must end. */
  recover(partition: UnrecoveredPartition, pause: () => Promise<void>): Promise<Partition>
  /** The partition is open. Called synchronously. */
  opened(partition: Partition): void
  /** A partition cannot be recovered in this process. */
  failed(error: MillraceError): void
}

export class RecoveryQueue {
  readonly #context: RecoveryQueueContext
  readonly #partitions = new Map<string, UnrecoveredPartition>()
  readonly #running = new Map<UnrecoveredPartition, Promise<void>>()
  readonly #demanded = new Set<UnrecoveredPartition>()
  /** Those that nobody has waited for: the next one is the last. */
  #rest: UnrecoveredPartition[] = []
  #backgroundRunning = 0
  #makeReady: MakeReady | undefined
  #stopped = false

  constructor(context: RecoveryQueueContext) {
    this.#context = context
  }

  get size(): number {
    return this.#partitions.size
  }

  get(name: string): UnrecoveredPartition | undefined {
    return this.#partitions.get(name)
  }

  values(): Iterable<UnrecoveredPartition> {
    return this.#partitions.values()
  }

  add(found: FoundPartition): void {
    const partition = new UnrecoveredPartition(found, demanded => this.#demand(demanded))
    this.#partitions.set(partition.name, partition)
  }

  /** Begins to recover. Until then nothing is recovered, also if a call waits. */
  start(makeReady: MakeReady): void {
    this.#makeReady = makeReady
    this.#rest = [...this.#partitions.values()].toReversed()
    this.#next()
  }

  /**
   * Takes out a partition that is being deleted: nobody finds it any more. Resolves when its files are at
   * rest; calls that wait are then made. False: it is not in the queue.
   */
  async withdraw(name: string): Promise<boolean> {
    const partition = this.#partitions.get(name)
    if (!partition) return false
    this.#partitions.delete(name)
    await this.#running.get(partition)
    await partition.recovered?.abandon(new MillraceError('CLOSED', `${name} was deleted.`))
    partition.settle()
    return true
  }

  /**
   * Recovers no more, and refuses the calls that wait: CLOSED. Resolves when nothing runs. What is left in
   * the queue is not recovered.
   */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const partition of this.#partitions.values())
      if (!this.#running.has(partition)) partition.settle(stoppedError(partition))
    await Promise.all(this.#running.values())
  }

  #demand(partition: UnrecoveredPartition): void {
    if (this.#stopped) {
      partition.settle(stoppedError(partition))
      return
    }
    if (this.#running.has(partition)) return
    this.#demanded.add(partition)
    this.#next()
  }

  #next(): void {
    // It holds what the last process has written of transactions.
    if (this.#partitions.size === 0) this.#makeReady = undefined
    while (this.#makeReady && !this.#stopped && this.#running.size < runningMax) {
      const [demanded] = this.#demanded
      const next = demanded ?? (this.#backgroundRunning < backgroundMax ? this.#rest.pop() : undefined)
      if (!next) return
      this.#demanded.delete(next)
      if (this.#partitions.get(next.name) === next && !this.#running.has(next) && !next.failure)
        this.#run(next, this.#makeReady, demanded === undefined)
    }
  }

  #run(partition: UnrecoveredPartition, makeReady: MakeReady, isBackground: boolean): void {
    if (isBackground) this.#backgroundRunning += 1
    const run = this.#recover(partition, makeReady).then(settle => {
      this.#running.delete(partition)
      if (isBackground) this.#backgroundRunning -= 1
      settle()
      this.#next()
    })
    this.#running.set(partition, run)
  }

  /** Returns what then becomes of the partition. */
  async #recover(partition: UnrecoveredPartition, makeReady: MakeReady): Promise<() => void> {
    const isWithdrawn = (): boolean => this.#partitions.get(partition.name) !== partition
    const pause = async (): Promise<void> => {
      await this.#context.clock.yield()
      if (this.#stopped || isWithdrawn()) throw stoppedError(partition)
    }
    try {
      const recovered = (partition.recovered ??= await this.#context.recover(partition, pause))
      recovered.configure(partition.settings)
      if (!isWithdrawn() && !recovered.failure) await this.#ready(recovered, makeReady)
      return () => {
        if (isWithdrawn()) return
        this.#partitions.delete(partition.name)
        recovered.config = partition.config
        this.#context.opened(recovered)
        partition.settle()
      }
    } catch (error) {
      const failure = diskError(error, `recovering ${partition.folder}`)
      return () => {
        if (isWithdrawn()) return
        if (!failure.retriable && !this.#stopped) {
          partition.failure = failure
          this.#context.failed(failure)
        }
        partition.settle(failure)
      }
    }
  }

  /** A partition whose disk fails meanwhile is open: it tells its callers why it refuses. */
  async #ready(partition: Partition, makeReady: MakeReady): Promise<void> {
    try {
      await makeReady(partition)
    } catch (error) {
      if (!partition.failure) throw error
    }
  }
}

function stoppedError({ name }: UnrecoveredPartition): MillraceError {
  return new MillraceError(
    'CLOSED',
    `The log was closed before ${name} was recovered. The next start recovers it.`,
  )
}
