/** `millrace consume <topic>`: prints records, one per line. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { isMillraceError, MillraceError } from '../../base/index.ts'
import { missingTopic, type Consumer, type ConsumedRecord, type ConsumerOptions } from '../../port/index.ts'
import { bytes, topic } from '../../schema/index.ts'
import { dataOption, withExistingLog, withLogToRead } from '../data-option.ts'
import { toJsonLine } from '../json-record.ts'
import { parseCount } from '../numbers.ts'
import type { Terminal } from '../terminal.ts'
import { timeOf } from '../times.ts'

type From = NonNullable<ConsumerOptions['from']>
type Bytes = Uint8Array

interface Options {
  readonly data: string
  readonly from: From
  readonly group?: string
  readonly max?: number
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
        "'earliest', 'latest', an offset, or a time such as 2001-06-14T00:00Z; a group that has committed continues from there",
      )
        .argParser(parseFrom)
        .default('earliest'),
    )
    .option('-g, --group <name>', 'continue where this group left off, and commit')
    .option('-n, --max <n>', 'stop after so many records', parseCount)
    .option('-f, --follow', 'wait for more at the end instead of stopping there')
    .option('--json', "one JSON object per line, for programs and for 'produce --json'")
    .action((name: string, { data, from, group, max, follow, json }: Options) =>
      // Without a group nothing is committed, so the log may be in use.
      (group === undefined ? withLogToRead : withExistingLog)(data, async log => {
        const known = await log.describeTopic(name)
        if (!known) throw missingTopic(name, { advice: "See 'millrace topic list'." })
        if (known.internal && !json)
          throw new MillraceError(
            'USAGE',
            `Topic '${name}' is kept by the log itself. Its records are not text: print them with --json.`,
          )
        const consumer = log.consumer(topic(name, { key: bytes(), value: bytes() }), {
          from,
          ...(group !== undefined && { group }),
          ...(!follow && { until: 'end' as const }),
        })
        await print(consumer, terminal, json ? record => `${toJsonLine(record)}\n` : toText, {
          max: max ?? Number.POSITIVE_INFINITY,
          commits: group !== undefined,
        })
      }),
    )
}

/**
 * Prints until the consumer ends, `max` is reached, or the terminal says stop. Commits the records that were
 * printed in full.
 */
async function print(
  consumer: Consumer<Bytes, Bytes>,
  terminal: Terminal,
  format: (record: ConsumedRecord<Bytes, Bytes>) => string | Bytes,
  { max, commits }: { readonly max: number; readonly commits: boolean },
): Promise<void> {
  const { signal } = terminal
  let left = max
  let printing = false
  // Finishes the record that is being printed.
  const stop = (): void => {
    if (!printing) void consumer.close().catch(() => {})
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    if (signal.aborted) return
    for await (const record of consumer) {
      printing = true
      await terminal.write(format(record))
      printing = false
      left -= 1
      if (left > 0 && !signal.aborted) continue
      if (commits) await consumer.commit()
      return
    }
  } catch (error) {
    // The signal came while the consumer was joining.
    if (!signal.aborted || !isMillraceError(error, 'CLOSED')) throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

const lineFeed = Buffer.from('\n')
const tab = Buffer.from('\t')
const nothing = Buffer.alloc(0)

/** The bytes as they are, text or not. */
function toText({ key, value }: ConsumedRecord<Bytes, Bytes>): Bytes {
  return Buffer.concat(key === null ? [value ?? nothing, lineFeed] : [key, tab, value ?? nothing, lineFeed])
}

function parseFrom(from: string): From {
  if (from === 'earliest' || from === 'latest') return from
  if (/^\d+$/.test(from) && Number.isSafeInteger(Number(from))) return { offset: Number(from) }
  const timestamp = timeOf(from)
  if (timestamp !== undefined) return { timestamp }
  throw new InvalidArgumentError("Use 'earliest', 'latest', an offset, or a time such as 2001-06-14T00:00Z.")
}
