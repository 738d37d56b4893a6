/**
 * Committed offsets after a repair has cut off a part of them. Nobody knows which groups had committed
 * something there: what is left may be out of date, and to continue from there would process records twice,
 * silently. So each group is refused until somebody sets its offsets.
 */
import { MillraceError } from '../base/index.ts'
import type { Partition } from '../log/index.ts'
import type { MetadataFile } from './metadata.ts'

export class CutOffsets {
  readonly #metadata: MetadataFile

  private constructor(metadata: MetadataFile) {
    this.#metadata = metadata
  }

  /** Takes note of a repair of the partition that keeps the offsets. */
  static async open(metadata: MetadataFile, partition: Partition): Promise<CutOffsets> {
    const at = partition.config.cutAt
    if (at !== undefined && metadata.current.offsetsCut?.at !== at)
      await metadata.update(current => ({ ...current, offsetsCut: { at, settled: [] } }))
    return new CutOffsets(metadata)
  }

  /** For a log that is only read. */
  static look(metadata: MetadataFile): CutOffsets {
    return new CutOffsets(metadata)
  }

  /** PARTITION_DAMAGED for a group whose offsets may be out of date. */
  check(group: string): void {
    const { offsetsCut } = this.#metadata.current
    if (!offsetsCut || offsetsCut.settled.includes(group)) return
    throw new MillraceError(
      'PARTITION_DAMAGED',
      `What the group '${group}' has committed may be out of date: a repair has cut __consumer_offsets off at offset ${offsetsCut.at}. ` +
        `Say where it continues: 'millrace group reset ${group} --all-topics --to <where>', or log.port.setOffsets('${group}', offsets); with [] it begins as a new group does. ` +
        `An app starts from scratch with { restart: true }.`,
    )
  }

  /** Somebody has set the offsets of a group: they count. */
  async settle(group: string): Promise<void> {
    const isOpen = (): boolean => this.#metadata.current.offsetsCut?.settled.includes(group) === false
    if (!isOpen()) return
    await this.#metadata.update(current =>
      current.offsetsCut
        ? {
            ...current,
            offsetsCut: {
              ...current.offsetsCut,
              settled: [...new Set([...current.offsetsCut.settled, group])],
            },
          }
        : current,
    )
  }
}
