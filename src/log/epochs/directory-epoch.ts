/**
 * The leader epoch of a data directory: that of all its partitions, since one process leads them all. Each
 * start after an unclean stop raises it, durably before anything carries it, so that no epoch is given twice.
 *
 * ```
 * leader-epoch:  0               version
 *                3               the epoch
 *                check 1c291ca3
 * ```
 * Without the file the epoch is 0: no start has raised it yet.
 */
import { SerialQueue, type Clock, type Disk } from '../../base/index.ts'
import { readChecked, withCheck } from '../files/checked-text.ts'
import { directoryEpochName } from '../files/file-names.ts'
import { readFile, replaceFile } from '../files/small-file.ts'
import { readEpochs } from './epoch-checkpoint.ts'
import { epochsOfLog } from './epochs-of-log.ts'
import { LeaderEpochs, type EpochStart } from './leader-epochs.ts'
import type { Segment, SegmentContext } from '../segment/segment.ts'

/** A damaged file hides the epoch: continue far beyond it, by the minutes of the clock. They fit an int32. */
const unknownStepMs = 60_000

export interface EpochsContext extends SegmentContext {
  readonly clock: Clock
}

/** What is known of a partition that was opened. */
export interface OpenedLog {
  readonly folder: string
  readonly segments: readonly Segment[]
  readonly logStartOffset: number
  /** Its epochs as a clean stop has kept them; undefined: they are read. */
  readonly known: readonly EpochStart[] | undefined
}

export class DirectoryEpoch {
  readonly #disk: Disk
  readonly #path: string
  readonly #isRaised: boolean
  readonly #saves = new SerialQueue()
  #current: number

  private constructor(disk: Disk, path: string, current: number, isRaised: boolean) {
    this.#disk = disk
    this.#path = path
    this.#current = current
    this.#isRaised = isRaised
  }

  /** `raise`: the last stop was not clean. DISK_FULL, DISK_FAILED. */
  static async open(
    { disk, clock, readOnly }: EpochsContext,
    path: string,
    raise: boolean,
  ): Promise<DirectoryEpoch> {
    const { epoch, isKnown } = await read(disk, path, clock)
    const directory = new DirectoryEpoch(disk, path, epoch, raise && !readOnly)
    if ((raise || !isKnown) && !readOnly) await directory.#save(epoch + 1)
    return directory
  }

  get current(): number {
    return this.#current
  }

  /** The epochs of a partition that was opened; the last one is the present one, from the log's end on. */
  async epochsOf(context: EpochsContext, log: OpenedLog): Promise<LeaderEpochs> {
    const { folder, segments, logStartOffset, known } = log
    const epochs = known
      ? new LeaderEpochs(known, true)
      : await epochsOfLog(context, segments, await readEpochs(context.disk, folder))
    const endOffset = segments.at(-1)!.nextOffset
    epochs.cutEnd(endOffset)
    epochs.cutStart(logStartOffset)
    // A partition of another directory, or an older copy of the file of this one.
    const isAhead = epochs.latest > this.#current || (this.#isRaised && epochs.latest === this.#current)
    if (isAhead && !context.readOnly) await this.#save(epochs.latest + (this.#isRaised ? 1 : 0))
    epochs.assign(Math.max(this.#current, epochs.latest), endOffset)
    return epochs
  }

  /** Raises the epoch to this one; durable when this resolves. */
  #save(epoch: number): Promise<void> {
    return this.#saves.run(async () => {
      if (epoch <= this.#current) return
      await replaceFile(this.#disk, this.#path, directoryEpochName, withCheck(`0\n${epoch}\n`))
      this.#current = epoch
    })
  }
}

async function read(
  disk: Disk,
  path: string,
  clock: Clock,
): Promise<{ readonly epoch: number; readonly isKnown: boolean }> {
  const bytes = await readFile(disk, `${path}/${directoryEpochName}`)
  if (!bytes) return { epoch: 0, isKnown: true }
  const content = readChecked(bytes)
  const epoch = content.state === 'good' ? /^0\n(\d+)\n$/.exec(content.text)?.[1] : undefined
  return epoch === undefined
    ? { epoch: Math.floor(clock.now() / unknownStepMs), isKnown: false }
    : { epoch: Number(epoch), isKnown: true }
}
