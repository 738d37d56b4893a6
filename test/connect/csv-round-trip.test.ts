/**
 * Random tables as CSV files in random dialects. The files grow in steps while runs read them and crash.
 * Every row is published as written, and each malformed record is a dead letter with its line and bytes.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isMillraceError, type Random } from '../../src/base/index.ts'
import { publish } from '../../src/connect/index.ts'
import { csvInBlocks } from '../../src/connect/connectors/csv.ts'
import { Crash, CrashingLog } from '../../src/connect/crashing-log.test-support.ts'
import { json, topic } from '../../src/schema/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { randomCsv, type CsvFile } from './csv-files.ts'

const rows = topic('rows', { value: json<[name: string, value: unknown][]>() })
const folder = mkdtempSync(join(tmpdir(), 'millrace-csv-round-trip-'))
const path = join(folder, 'table.csv')

/** Names and values of a row; bytes as text, since JSON has no bytes. */
function pairs(row: Record<string, unknown>): [string, unknown][] {
  return Object.entries(row).map(([name, value]) => [
    name,
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  ])
}

/** Runs over the current file, repeated after each crash. */
async function run(log: CrashingLog, file: CsvFile, random: Random): Promise<void> {
  for (;;)
    try {
      const source = csvInBlocks(path, file.options, 1 + random.int(60))
      await publish(log, rows, source, {
        value: pairs,
        onError: { deadLetter: 'letters' },
        commitBytes: 1 + random.int(200),
        onNotice: () => {},
      })
      return
    } catch (error) {
      if (!(error instanceof Crash)) throw error
    }
}

async function checkCase(random: Random): Promise<void> {
  const file = randomCsv(random)
  const log = new CrashingLog()
  log.onCommit = () => {
    if (random.int(6) === 0) throw new Crash()
  }
  const cuts = Array.from({ length: random.int(4) }, () => file.cuts[random.int(file.cuts.length)] ?? 0)
  for (const cut of [...cuts.toSorted((a, b) => a - b), file.bytes.length]) {
    writeFileSync(path, file.bytes.subarray(0, cut))
    await run(log, file, random).catch((error: unknown) => {
      // A complete file has a first line.
      if (cut < file.bytes.length || file.bytes.length === 0)
        if (isMillraceError(error, 'SOURCE_MALFORMED') && /has no header|is empty/.test(error.message)) return
      throw error
    })
  }
  const published = (await log.read('rows')).map(({ value }) => JSON.parse(value!) as unknown)
  const letters = (await log.read('letters')).map(({ valueBytes, headers }) => [
    headers['millrace.place'],
    Buffer.from(valueBytes!).toString('latin1'),
  ])
  await log.close()
  assert.deepEqual(
    { published, letters },
    {
      published: file.outcomes.flatMap(outcome => ('values' in outcome ? [outcome.values] : [])),
      letters: file.outcomes.flatMap(outcome =>
        'line' in outcome ? [[`line ${outcome.line} of ${path}`, outcome.original.toString('latin1')]] : [],
      ),
    },
  )
}

test('every row of a CSV file is published as written', async () => {
  try {
    await forSeeds(2000, checkCase)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
