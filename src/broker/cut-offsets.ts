/**
 * Committed offsets after a repair has cut a part of them. It is unknown which groups had committed there:
 * the remaining offsets may be out of date, and a group that continued from them would silently process
 * records twice. So each group is refused until somebody sets its offsets.
 */
import { MillraceError } from '../base/index.ts'
import type { Partition } from '../log/index.ts'
import type { MetadataFile } from './metadata.ts'

export class CutOffsets {
  readonly #metadata: MetadataFile

  private constructor(metadata: MetadataFile) {
    this.#metadata = metadata
  }

  /** Records a repair of the partition with the offsets. */
  static async open(metadata: MetadataFile, partition: Partition): Promise<CutOffsets> {
    const at = partition.config.cutAt
    if (at !== undefined && metadata.current.offsetsCut?.at !== at)
      await metadata.update(current => ({ ...current, offsetsCut: { at, settled: [] } }))
    return new CutOffsets(metadata)
  }

  /** For a read-only log. */
  static look(metadata: MetadataFile): CutOffsets {
    return new CutOffsets(metadata)
  }

  /** Throws Throws PARTITION_DAMAGED for a group whose offsets may be out of date. */
  check(group: string): void {
    const { offsetsCut } = this.#metadata.current
    if (!offsetsCut || offsetsCut.settled.includes(group)) return
    throw new MillraceError(
      'PARTITION_DAMAGED',
      `The offsets of the group '${group}' may be out of date: a repair has cut __consumer_offsets at offset ${offsetsCut.at}.  ` +
        `Set where it continues: 'millrace group reset ${group} --all-topics --to <where>', or log.port.setOffsets('${group}', offsets); with [] it begins as a new group does. ` +
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
