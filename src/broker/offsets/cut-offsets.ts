/**
 * Committed offsets of which a part is lost: a repair has cut them, or recovery did after a crash. It is
 * unknown which groups had committed there: the remaining offsets may be out of date, and a group that
 * continued from them would silently process records twice. So each group is refused until somebody sets its
 * offsets.
 *
 * Recovery takes damage above the recovery point for a write that the crash interrupted. But the offsets of a
 * committed transaction were synced before its commit point, whose record says where they end.
 */
import { MillraceError } from '../../base/index.ts'
import type { Partition } from '../../log/index.ts'
import type { MetadataFile } from '../internal/metadata.ts'
import { offsetsTopic } from '../internal/topic-names.ts'

/** A transaction whose outcome is decided: its partitions, and where it ends there. */
interface EndedTransaction {
  readonly partitions: Iterable<{ readonly topic: string; readonly endOffset?: number }>
}

export class CutOffsets {
  readonly #metadata: MetadataFile

  private constructor(metadata: MetadataFile) {
    this.#metadata = metadata
  }

  /**
   * Records a loss. `transactions` are those of the transaction log that were synced, before the start has
   * ended them: a record that is written then says nothing of partitions.
   */
  static async open(
    metadata: MetadataFile,
    partition: Pick<Partition, 'config' | 'failure' | 'logEndOffset'>,
    transactions: Iterable<EndedTransaction>,
  ): Promise<CutOffsets> {
    const { offsetsCut: known } = metadata.current
    const isShort = partition.failure === undefined && partition.logEndOffset < endOf(transactions)
    const { cutAt: stated, cutId: statedId } = partition.config
    // The partition states the cut of its last repair for good: each counts once. Two may be at one offset.
    const isKnown = stated === (known?.stated ?? known?.at) && statedId === known?.statedId
    const isRepaired = stated !== undefined && !isKnown
    const at = isShort ? partition.logEndOffset : isRepaired ? stated : undefined
    if (at !== undefined && (isRepaired || known?.at !== at)) {
      const offsetsCut = {
        at,
        settled: [],
        ...(stated === undefined ? {} : { stated }),
        ...(statedId === undefined ? {} : { statedId }),
      }
      await metadata.update(current => ({ ...current, offsetsCut }))
    }
    return new CutOffsets(metadata)
  }

  /** For a read-only log. */
  static look(metadata: MetadataFile): CutOffsets {
    return new CutOffsets(metadata)
  }

  /** Throws PARTITION_DAMAGED for a group whose offsets may be out of date. */
  check(group: string): void {
    const { offsetsCut } = this.#metadata.current
    if (!offsetsCut || offsetsCut.settled.includes(group)) return
    throw new MillraceError(
      'PARTITION_DAMAGED',
      `The offsets of the group '${group}' may be out of date: __consumer_offsets was cut at offset ${offsetsCut.at}, by a repair or because it was damaged. ` +
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

/** Where the committed transactions with offsets end in the partition of the offsets. */
function endOf(transactions: Iterable<EndedTransaction>): number {
  let end = 0
  for (const { partitions } of transactions)
    for (const { topic, endOffset = 0 } of partitions)
      if (topic === offsetsTopic) end = Math.max(end, endOffset)
  return end
}
