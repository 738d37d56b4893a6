/** `millrace produce <topic>`: publishes a record per line of the input. */
import { Command, Option } from 'commander'
import { MillraceError } from '../../base/index.ts'
import { text, topic } from '../../schema/index.ts'
import { dataOption, withLog } from '../data-option.ts'
import type { Terminal } from '../terminal.ts'

interface Options {
  readonly data: string
  readonly partitions: string
  readonly keySeparator?: string
  readonly json?: boolean
}

interface Line {
  readonly key: string | null
  readonly value: string | null
  readonly timestamp?: number
}

/** Records sent and not yet acknowledged: past this the input waits. */
const underWayMax = 10_000

export function produceCommand(terminal: Terminal): Command {
  return new Command('produce')
    .description('publish each line of the input as a record')
    .argument('<topic>', 'created where it does not exist')
    .addOption(dataOption())
    .addOption(new Option('--partitions <n>', 'for a topic that is created').default('1'))
    .option('-k, --key-separator <text>', 'what stands between key and value in a line')
    .option('--json', 'lines are {"key", "value", "timestamp"?} as \'consume --json\' writes them')
    .action((name: string, { data, partitions, keySeparator, json }: Options) =>
      withLog(data, async log => {
        const target = topic(name, { key: text(), value: text(), partitions: Number(partitions) })
        const producer = log.producer(target)
        let number = 0
        let underWay: Promise<unknown>[] = []
        for await (const line of terminal.lines) {
          number += 1
          const { key, value, timestamp } = json
            ? parseJson(line, number)
            : splitLine(line, number, keySeparator)
          underWay.push(
            producer.send({
              key: key as string,
              value,
              ...(timestamp !== undefined && { timestamp }),
            }),
          )
          if (underWay.length >= underWayMax) {
            await Promise.all(underWay)
            underWay = []
          }
          if (terminal.signal.aborted) break
        }
        await Promise.all(underWay)
        await producer.close()
        terminal.note(`${number} records published to ${name}.`)
      }),
    )
}

function splitLine(line: string, number: number, separator: string | undefined): Line {
  if (separator === undefined) return { key: null, value: line }
  const at = line.indexOf(separator)
  if (at < 0)
    throw new MillraceError(
      'SOURCE_MALFORMED',
      `Line ${number} has no '${separator}' between key and value. The lines before it were published.`,
    )
  return { key: line.slice(0, at), value: line.slice(at + separator.length) }
}

function parseJson(line: string, number: number): Line {
  let parsed: unknown
  try {
    parsed = JSON.parse(line)
  } catch (error) {
    throw new MillraceError(
      'SOURCE_MALFORMED',
      `Line ${number} is not JSON: ${(error as Error).message}. The lines before it were published.`,
      { cause: error },
    )
  }
  if (typeof parsed !== 'object' || parsed === null || !('value' in parsed))
    throw new MillraceError(
      'SOURCE_MALFORMED',
      `Line ${number} is no object with a 'value'. The lines before it were published.`,
    )
  const { key = null, value, timestamp } = parsed as { key?: unknown; value: unknown; timestamp?: unknown }
  return {
    key: asText(key),
    value: asText(value),
    ...(typeof timestamp === 'number' && { timestamp }),
  }
}

/** Text as it is, null as null, anything else as the JSON that it stands for. */
function asText(value: unknown): string | null {
  return value === null || typeof value === 'string' ? value : JSON.stringify(value)
}
