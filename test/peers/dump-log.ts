/**
 * Apache Kafka's own reading of segment files: `DumpLogSegments --deep-iteration --print-data-log`, parsed as
 * it is printed, so that a log of millions of records passes through without being held.
 *
 * What it prints, and what becomes of it: `Dumping <file>`, then a line per batch
 * (`baseOffset: 0 lastOffset: 15 … isvalid: true`), below it a line per record
 * (`| offset: 0 … headerKeys: [a,b] key: … payload: …`, markers with `endTxnMarker: COMMIT`); for index files
 * a line per entry. Whatever else it says is a complaint: invalid bytes, offsets that go back, an index that
 * lies.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { kafkaClassPath } from './install.ts'
import { java } from './java.ts'

const program = 'org.apache.kafka.tools.DumpLogSegments'

export interface DumpedRecord {
  offset: number
  timestamp: number
  /** Null where the record has none. Text: what DumpLogSegments prints of the bytes. */
  key: string | null
  value: string | null
  headerKeys: string[]
  /** The marker that a control record is. */
  marker: 'COMMIT' | 'ABORT' | undefined
}

export interface DumpedBatch {
  file: string
  baseOffset: number
  lastOffset: number
  producerId: number
  producerEpoch: number
  baseSequence: number
  transactional: boolean
  control: boolean
  compression: string
  size: number
  /** Whether the CRC holds. */
  valid: boolean
  records: DumpedRecord[]
}

/**
 * Has Apache Kafka read `files` (`.log`, and `.index` or `.timeindex` to have them checked against it), calls
 * `onBatch` for each batch in order, and resolves to its complaints: none, if all is well. Without the flag
 * `--print-data-log` records come without key and value.
 */
export async function dumpLog(
  files: readonly string[],
  onBatch: (batch: DumpedBatch) => void,
  flags: readonly string[] = ['--print-data-log'],
): Promise<string[]> {
  const options = ['--deep-iteration', ...flags, '--files', files.join(',')]
  const dump = spawn('java', ['-Xmx512m', '-cp', kafkaClassPath(), program, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exit = once(dump, 'exit')
  const errors: string[] = []
  dump.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text))

  const complaints: string[] = []
  let file = ''
  let batch: DumpedBatch | undefined
  /** The text of a record so far: its key and value may have line breaks. */
  let record: string | undefined
  const finishRecord = (): void => {
    if (record !== undefined) batch!.records.push(parseRecord(record))
    record = undefined
  }
  const finish = (): void => {
    finishRecord()
    if (batch) onBatch(batch)
    batch = undefined
  }
  for await (const line of createInterface({ input: dump.stdout, crlfDelay: Infinity })) {
    if (line.startsWith('| ') && batch) {
      finishRecord()
      record = line
    } else if (record !== undefined && !followsRecord.test(line)) record += `\n${line}`
    else {
      finish()
      if (line.startsWith('baseOffset: ')) batch = parseBatch(file, line)
      else if (line.startsWith('Dumping ')) file = line.slice('Dumping '.length)
      else if (!isExpected(line)) complaints.push(line)
    }
  }
  finish()
  const [code] = await exit
  if (code !== 0) throw new Error(`DumpLogSegments failed (${code}): ${errors.join('').slice(-4000)}`)
  return complaints
}

/** What comes after the last record of a batch: the next batch or file, or a complaint. */
const followsRecord =
  /^(baseOffset: |Dumping |Mismatches in|Non-consecutive offsets|Found |Index)|index (is empty|passed sanity check)\.$/

/** Headings, index entries, and the index of a segment too small to need one. */
function isExpected(line: string): boolean {
  return (
    line === '' ||
    /^(Log starting offset: |offset: \d+ position: \d+$|timestamp: -?\d+ offset: \d+$)|index (is empty|passed sanity check)\.$/.test(
      line,
    )
  )
}

function parseBatch(file: string, line: string): DumpedBatch {
  const fields = new Map<string, string>()
  for (const [, name, value] of line.matchAll(/(\w+): (\S+)/g)) fields.set(name ?? '', value ?? '')
  const text = (name: string): string => {
    const value = fields.get(name)
    if (value === undefined) throw new Error(`DumpLogSegments printed a batch without '${name}': ${line}`)
    return value
  }
  const number = (name: string): number => Number(text(name))
  return {
    file,
    baseOffset: number('baseOffset'),
    lastOffset: number('lastOffset'),
    producerId: number('producerId'),
    producerEpoch: number('producerEpoch'),
    baseSequence: number('baseSequence'),
    transactional: text('isTransactional') === 'true',
    control: text('isControl') === 'true',
    compression: text('compresscodec'),
    size: number('size'),
    valid: text('isvalid') === 'true',
    records: [],
  }
}

const recordLine =
  /^\| offset: (\d+) \w+: (-?\d+) keySize: (-?\d+) valueSize: (-?\d+) sequence: -?\d+ headerKeys: \[(.*?)\](?: endTxnMarker: (COMMIT|ABORT).*)?(?: key: (.*?))?(?: payload: (.*))?$/s

function parseRecord(line: string): DumpedRecord {
  const found = recordLine.exec(line)
  if (!found)
    throw new Error(`DumpLogSegments printed a record in a form not known here: ${line.slice(0, 300)}`)
  const [, offset, timestamp, keySize, valueSize, headerKeys, marker, key, value] = found
  return {
    offset: Number(offset),
    timestamp: Number(timestamp),
    key: keySize === '-1' ? null : (key ?? ''),
    value: valueSize === '-1' ? null : (value ?? ''),
    headerKeys: headerKeys ? headerKeys.split(',') : [],
    marker: marker === 'COMMIT' || marker === 'ABORT' ? marker : undefined,
  }
}

export interface DumpedAborted {
  producerId: number
  firstOffset: number
  /** Of the marker. */
  lastOffset: number
}

/** The entries of `.txnindex` files, in order. */
export async function dumpAborted(files: readonly string[]): Promise<DumpedAborted[]> {
  const printed = await java(program, ['--files', files.join(',')])
  const line = /^version: 0 producerId: (\d+) firstOffset: (\d+) lastOffset: (\d+) lastStableOffset: \d+$/gm
  return Array.from(printed.matchAll(line), ([, producerId, firstOffset, lastOffset]) => ({
    producerId: Number(producerId),
    firstOffset: Number(firstOffset),
    lastOffset: Number(lastOffset),
  }))
}

export interface DumpedProducer {
  producerId: number
  producerEpoch: number
  /** Undefined where the producer has written nothing in its epoch. */
  last: { sequence: number; offset: number } | undefined
}

/** The entries of a `.snapshot` file. */
export async function dumpProducers(file: string): Promise<DumpedProducer[]> {
  const printed = await java(program, ['--files', file])
  const line = /^producerId: (\d+) producerEpoch: (\d+) .*?(?: lastSequence: (\d+) lastOffset: (\d+) .*)?$/gm
  return Array.from(printed.matchAll(line), ([, producerId, producerEpoch, sequence, offset]) => ({
    producerId: Number(producerId),
    producerEpoch: Number(producerEpoch),
    last: sequence === undefined ? undefined : { sequence: Number(sequence), offset: Number(offset) },
  }))
}
