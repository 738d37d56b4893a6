/**
 * `millrace repair <topic> <partition>`: cuts a damaged partition where the damage begins, and keeps the
 * bytes that it cuts.
 */
import { Command, InvalidArgumentError } from 'commander'
import { nodeDisk, systemClock } from '../../base/index.ts'
import { repairPartition } from '../../log/index.ts'
import { dataOption } from '../data-option.ts'
import type { Terminal } from '../terminal.ts'

export function repairCommand(terminal: Terminal): Command {
  return new Command('repair')
    .description('cut a damaged partition where the damage begins, and keep the bytes that are cut')
    .argument('<topic>')
    .argument('<partition>', 'its number', partitionNumber)
    .addOption(dataOption())
    .action(async (topic: string, partition: number, { data }: { readonly data: string }) => {
      const { logStartOffset, logEndOffset, cut } = await repairPartition(data, topic, partition, {
        disk: nodeDisk,
        clock: systemClock,
      })
      const holds = `${topic}-${partition} holds the offsets from ${logStartOffset} up to ${logEndOffset}.`
      await terminal.write(
        cut
          ? `Cut off at offset ${cut.offset}: ${cut.reason}.\n${cut.bytes} bytes are kept in ${cut.keptAside.join(', ')}.\n${holds}\n`
          : `No batch is damaged. Nothing was cut.\n${holds}\n`,
      )
    })
}

function partitionNumber(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('Partitions are numbered from 0.')
  return Number(text)
}
