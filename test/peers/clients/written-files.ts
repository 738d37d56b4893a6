/**
 * What Apache Kafka's DumpLogSegments reads in the files that the clients' cases have left: partition by
 * partition, without what differs between two brokers that behave alike: ids, and times of the run.
 */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { dumpLog, type DumpedBatch, type DumpedRecord } from '../dump-log.ts'

/**
 * By partition (`java-1-0`); a line per record and marker, in their order, or sorted. At the end the codecs:
 * a client leaves a batch as it is that compression makes no smaller, so that not each record has one.
 */
export type WrittenFiles = ReadonlyMap<string, readonly string[]>

/** Later times are those of the run: see `epochMs` of the programs. */
const lastStampMs = 1_600_001_000_000
const shownCharacters = 60
/** So many names fit into the arguments of a program. */
const filesOfCall = 400
/** Its records are in partitions, and in batches, that the client chose by chance. */
const spreadTopic = /^(.*-spread)-\d+$/

/** Reads the log directory of a broker that has stopped; throws with what the tool complains about. */
export async function writtenFiles(logDirectory: string): Promise<WrittenFiles> {
  const found = new Map<string, string[]>()
  const codecs = new Map<string[], Set<string>>()
  const files = readdirSync(logDirectory, { recursive: true, encoding: 'utf8' })
    .filter(path => isOfClients(dirname(path)) && /\.(log|index|timeindex)$/.test(path))
    .sort()
    .map(path => join(logDirectory, path))
  const read = (batch: DumpedBatch): void => {
    assert(batch.valid, `${batch.file} at ${batch.baseOffset}`)
    const partition = basename(dirname(batch.file))
    const [, spread] = spreadTopic.exec(partition) ?? []
    const lines = found.get(spread ?? partition) ?? []
    found.set(spread ?? partition, lines)
    const used = codecs.get(lines) ?? new Set()
    codecs.set(lines, used)
    if (batch.compression !== 'none') used.add(batch.compression)
    for (const record of batch.records) lines.push(lineOf(batch, record, spread === undefined))
  }
  for (let n = 0; n < files.length; n += filesOfCall)
    assert.deepEqual(await dumpLog(files.slice(n, n + filesOfCall), read), [])
  for (const [topic, lines] of found) if (topic.endsWith('-spread')) lines.sort()
  for (const [lines, used] of codecs) lines.push([...used].sort().join())
  return found
}

function isOfClients(folder: string): boolean {
  const isHanging = folder.endsWith('-hanging-0')
  return !folder.startsWith('__') && !folder.endsWith('-delete') && !isHanging && folder !== '.'
}

function lineOf(
  { transactional }: DumpedBatch,
  { offset, timestamp, key, value, headerKeys, marker }: DumpedRecord,
  isPlaced: boolean,
): string {
  return JSON.stringify([
    isPlaced ? offset : 'anywhere',
    marker ?? [shown(key), shown(value), headerKeys, timestamp < lastStampMs ? timestamp : 'now'],
    transactional,
  ])
}

function shown(text: string | null): string | null {
  if (text === null || text.length <= shownCharacters) return text
  return `${text.slice(0, shownCharacters)}… ${text.length}`
}
