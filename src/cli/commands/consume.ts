/** `millrace consume <topic>`: prints records, one per line. */
import { Command, Option } from 'commander'
import { MillraceError } from '../../base/index.ts'
import type { ConsumerOptions } from '../../port/index.ts'
import { text, topic } from '../../schema/index.ts'
import { dataOption, withLog } from '../data-option.ts'
import type { Terminal } from '../terminal.ts'

interface Options {
  readonly data: string
  readonly from: string
  readonly group?: string
  readonly max?: string
  readonly follow?: boolean
  readonly json?: boolean
}

export function consumeCommand(terminal: Terminal): Command {
  return new Command('consume')
    .description('print the records of a topic, one per line')
    .argument('<topic>')
    .addOption(dataOption())
    .addOption(
      new Option(
        '--from <where>',
        "'earliest', 'latest', an offset, or a time such as 2001-06-14T00:00Z",
      ).default('earliest'),
    )
    .option('-g, --group <name>', 'go on where this group stands, and commit')
    .option('-n, --max <n>', 'stop after so many records')
    .option('-f, --follow', 'wait for more at the end instead of stopping there')
    .option('--json', 'one JSON object per line: partition, offset, timestamp, key, value')
    .action((name: string, options: Options) =>
      withLog(options.data, async log => {
        if (!(await log.describeTopic(name)))
          throw new MillraceError('UNKNOWN_TOPIC', `There is no topic '${name}'. See 'millrace topic list'.`)
        const source = topic(name, { key: text(), value: text() })
        const consumer = log.consumer(source, {
          from: parseFrom(options.from),
          ...(options.group !== undefined && { group: options.group }),
          ...(!options.follow && { until: 'end' as const }),
        })
        const stop = (): void => void consumer.close()
        terminal.signal.addEventListener('abort', stop, { once: true })
        let left = options.max === undefined ? Number.POSITIVE_INFINITY : parseCount(options.max)
        for await (const { partition, offset, timestamp, key, value } of consumer) {
          if (left <= 0 || terminal.signal.aborted) break
          await terminal.write(
            options.json
              ? `${JSON.stringify({ partition, offset, timestamp, key, value })}\n`
              : `${key === null ? '' : `${key}\t`}${value ?? ''}\n`,
          )
          left -= 1
          if (left <= 0) break
        }
        terminal.signal.removeEventListener('abort', stop)
      }),
    )
}

export function parseFrom(from: string): NonNullable<ConsumerOptions['from']> {
  if (from === 'earliest' || from === 'latest') return from
  if (/^\d+$/.test(from)) return { offset: Number(from) }
  const timestamp = Date.parse(from)
  if (Number.isNaN(timestamp))
    throw new MillraceError(
      'USAGE',
      `'${from}' is no place to start: say 'earliest', 'latest', an offset, or a time such as 2001-06-14T00:00Z.`,
    )
  return { timestamp }
}

function parseCount(count: string): number {
  const max = Number(count)
  if (!Number.isSafeInteger(max) || max < 1)
    throw new MillraceError('USAGE', `'${count}' is no number of records.`)
  return max
}
