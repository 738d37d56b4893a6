/**
 * `millrace transactions list`, `transactions describe <id>` and `transactions abort <id>`: the transactions
 * of a log (KIP-664). One that hangs, beside the process that writes, is listed by its partition; the next
 * start of that process aborts it.
 */
import { Command } from 'commander'
import { MillraceError } from '../../base/index.ts'
import type { OpenTransaction, TransactionDescription } from '../../port/index.ts'
import { dataOption, withExistingLog, withLogToRead } from '../data-option.ts'
import type { Terminal } from '../terminal.ts'

interface Options {
  readonly data: string
  readonly json?: boolean
}

export function transactionsCommand(terminal: Terminal): Command {
  const list = new Command('list')
    .description('list the transactional ids, and open transactions that belong to none')
    .addOption(dataOption())
    .option('--json', 'one JSON object per line')
    .action(({ data, json }: Options) =>
      withLogToRead(data, async ({ port }) => {
        for (const each of await port.admin.listTransactions())
          await terminal.write(json ? `${JSON.stringify(each)}\n` : inWords(each))
        for (const each of await port.admin.openTransactions())
          if (each.transactionalId === undefined)
            await terminal.write(json ? `${JSON.stringify(each)}\n` : hangingInWords(each))
      }),
    )
  const describe = new Command('describe')
    .description('show a transactional id, and where its transaction is open')
    .argument('<id>')
    .addOption(dataOption())
    .option('--json', 'as a JSON object')
    .action((id: string, { data, json }: Options) =>
      withLogToRead(data, async ({ port }) => {
        const described = (await port.admin.listTransactions()).find(each => each.transactionalId === id)
        if (!described) throw unknown(id)
        const open = (await port.admin.openTransactions()).filter(each => each.transactionalId === id)
        await terminal.write(
          json
            ? `${JSON.stringify({ ...described, open })}\n`
            : inWords(described) + open.map(openInWords).join(''),
        )
      }),
    )
  const abort = new Command('abort')
    .description('abort the open transaction of a transactional id, and fence its producer')
    .argument('<id>')
    .addOption(dataOption())
    .action((id: string, { data }: Options) =>
      withExistingLog(data, async ({ port }) => {
        await port.admin.abortTransaction({ transactionalId: id })
        terminal.note(`The transaction of ${id} is aborted.`)
      }),
    )
  return new Command('transactions')
    .description('show transactions, abort one')
    .addCommand(list)
    .addCommand(describe)
    .addCommand(abort)
}

function inWords({ transactionalId, producerId, producerEpoch, state }: TransactionDescription): string {
  return `${transactionalId}\t${state}\tproducer ${producerId}\tepoch ${producerEpoch}\n`
}

function openInWords({ topic, partition, firstOffset }: OpenTransaction): string {
  return `  ${topic}-${partition}\topen from ${firstOffset}\n`
}

function hangingInWords({ topic, partition, firstOffset, producerId }: OpenTransaction): string {
  return `${topic}-${partition}\thangs from ${firstOffset}\tproducer ${producerId}\n`
}

function unknown(id: string): MillraceError {
  return new MillraceError(
    'INVALID_PRODUCER_ID_MAPPING',
    `The log does not know the transactional id '${id}'. See 'millrace transactions list'.`,
  )
}
