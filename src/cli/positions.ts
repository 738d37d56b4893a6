/** Prints how far a group, or an app, has come in each partition. */
import type { GroupPartition } from '../port/index.ts'
import { counted } from './numbers.ts'

export function positionsInWords(partitions: readonly GroupPartition[]): string {
  const lines = partitions.map(({ topic, partition, offset, lag, failure }) => {
    const behind = lag === undefined ? 'lag unknown' : `${counted(lag, 'record')} behind`
    const refuses = failure ? `\trefuses: ${failure.message}` : ''
    return `  ${topic}-${partition}\tat ${offset}\t${behind}${refuses}\n`
  })
  return lines.join('')
}
