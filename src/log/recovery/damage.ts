/** The message for a damaged partition, with its remedy: the same wherever the damage is found. */
import { MillraceError } from '../../base/index.ts'
import { partitionFolder } from '../files/file-names.ts'

export interface DamagedPartition {
  readonly topic: string
  readonly index: number
  /** The partition's own, in the data directory. */
  readonly folder: string
}

export function partitionDamaged(
  { topic, index, folder }: DamagedPartition,
  what: string,
  cause: unknown,
): MillraceError {
  const directory = folder.slice(0, -partitionFolder(topic, index).length - 1)
  return new MillraceError(
    'PARTITION_DAMAGED',
    `${what}. Restore the files from a copy, or stop the log and run 'millrace repair ${topic} ${index} --data ${directory}', ` +
      'which cuts the log there and keeps the bytes that it cuts.',
    { cause },
  )
}
