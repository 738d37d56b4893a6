/** `millrace produce <topic>`: publishes a record per line of the input. */
import { Command, InvalidArgumentError, Option } from 'commander'
import type { OutgoingRecord, Producer } from '../../port/index.ts'
import { bytes, type Schema, topic } from '../../schema/index.ts'
import { dataOption, withLog } from '../data-option.ts'
import { fromJsonLine, malformed } from '../json-record.ts'
import { counted, parseCount } from '../numbers.ts'
import type { Terminal } from '../terminal.ts'

interface Options {
  readonly data: string
  readonly partitions?: number
  readonly keySeparator?: string
  readonly json?: boolean
}

type Bytes = Uint8Array

/** The schema of keys: bytes, or none. */
const bytesOrNone: Schema<Bytes | null> = {
  '~standard': {
    version: 1,
    vendor: 'millrace',
    validate: value =>
      value === null || value instanceof Uint8Array
        ? { value }
        : { issues: [{ message: `expected a Uint8Array or null, got ${typeof value}` }] },
  },
}

/** Records sent and not yet acknowledged. Past this bound the input waits. */
const underWayMax = 10_000

export function produceCommand(terminal: Terminal): Command {
  return new Command('produce')
    .description('publish each line of the input as a record')
    .argument('<topic>', 'the topic, which is created if it does not exist')
    .addOption(dataOption())
    .addOption(
      new Option('--partitions <n>', 'of a topic that is created (default: 1)').argParser(parseCount),
    )
    .option('-k, --key-separator <text>', 'text between key and value in a line', parseSeparator)
    .addOption(
      new Option(
        '--json',
        'lines are {"key", "value", "timestamp", "headers"}, as \'consume --json\' writes them; all but the value may be left out',
      ).conflicts('keySeparator'),
    )
    .action((name: string, { data, partitions, keySeparator, json }: Options) =>
      withLog(data, async log => {
        const types = { key: bytesOrNone, keyFormat: 'bytes', value: bytes() } as const
        // Without a declared count an existing topic keeps its own.
        const producer = log.producer(
          topic(name, partitions === undefined ? types : { ...types, partitions }),
        )
        const parse = json ? fromJsonLine : (line: string, at: string) => splitLine(line, at, keySeparator)
        const published = { count: 0 }
        try {
          await publish(terminal.lines, parse, producer, published)
        } catch (error) {
          terminal.note(`${counted(published.count, 'record')} published to ${name}, then:`)
          throw error
        }
        terminal.note(`${counted(published.count, 'record')} published to ${name}.`)
      }),
    )
}

/** Publishes every line. `published` counts the durable records, also after a failure. */
async function publish(
  lines: AsyncIterable<string>,
  parse: (line: string, at: string) => OutgoingRecord<Bytes | null, Bytes>,
  producer: Producer<Bytes | null, Bytes>,
  published: { count: number },
): Promise<void> {
  let number = 0
  let underWay: Promise<unknown>[] = []
  const settle = async (): Promise<void> => {
    const results = await Promise.allSettled(underWay)
    underWay = []
    for (const result of results) if (result.status === 'fulfilled') published.count += 1
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }
  try {
    for await (const line of lines) {
      number += 1
      const { key = null, ...record } = parse(line, `Line ${number}`)
      const sent = producer.send({ ...record, key })
      // A failure is reported when all sends in flight have settled.
      sent.catch(() => {})
      underWay.push(sent)
      if (underWay.length >= underWayMax) await settle()
    }
  } finally {
    await settle()
  }
}

function parseSeparator(text: string): string {
  if (text !== '') return text
  throw new InvalidArgumentError('Give at least one character.')
}

function splitLine(
  line: string,
  at: string,
  separator: string | undefined,
): OutgoingRecord<Bytes | null, Bytes> {
  if (separator === undefined) return { value: Buffer.from(line) }
  const end = line.indexOf(separator)
  if (end < 0) throw malformed(at, `it has no '${separator}' between key and value`)
  return {
    key: Buffer.from(line.slice(0, end)),
    value: Buffer.from(line.slice(end + separator.length)),
  }
}
