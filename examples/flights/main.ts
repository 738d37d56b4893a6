/**
 * The demo: real flights, from a file through the log and an app into a warehouse, exactly once.
 *
 *     npm start                    starts over, with the first 90 days
 *     npm start -- --resume        continues where an interrupted run left off
 *     npm start -- --crash 5       takes all flights, and is killed five times on the way [--seed n]
 *     npm start -- --days 181      all of them, three million
 */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { isMillraceError, openLog } from '../../src/index.ts'
import { runWithCrashes } from './crash.ts'
import { allDays, quarter } from './extract.ts'
import { run } from './run.ts'

const values = options()
const crashes = whole('crash', values.crash)
// Many kills need much work.
const days = whole('days', values.days) ?? (crashes === undefined ? quarter : allDays)
const { data } = values

try {
  if (!values.resume) await startOver()
  if (crashes === undefined) process.exitCode = await run({ data, days })
  else {
    const seed = whole('seed', values.seed) ?? Math.floor(Math.random() * 1_000_000)
    const args = ['--resume', '--data', data, '--days', String(days)]
    // A few days are too few: all are published before the first commit.
    const commitsMax = days < 60 ? 0 : Math.floor(days / 9)
    process.exitCode = await runWithCrashes({ crashes, seed, commitsMax, args })
  }
} catch (error) {
  if (!isMillraceError(error)) throw error
  console.error(`${error.code}: ${error.message}`)
  process.exitCode = 1
}

function options() {
  try {
    return parseArgs({
      options: {
        resume: { type: 'boolean', default: false },
        crash: { type: 'string' },
        seed: { type: 'string' },
        days: { type: 'string' },
        data: { type: 'string', default: 'data' },
      },
    }).values
  } catch (error) {
    console.error(
      `${(error as Error).message}. The options are --resume, --crash n, --seed n, --days n and --data folder.`,
    )
    process.exit(2)
  }
}

/** Removes the data of an earlier run, unless that run is still active. */
async function startOver(): Promise<void> {
  const log = join(data, 'log')
  if (existsSync(log)) {
    try {
      await (await openLog(log)).close()
    } catch (error) {
      // A damaged log is removed like any other.
      if (isMillraceError(error, 'DATA_DIR_IN_USE')) throw error
    }
    await rm(log, { recursive: true })
  }
  for (const file of ['warehouse.duckdb', 'warehouse.duckdb.wal']) await rm(join(data, file), { force: true })
}

function whole(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d+$/.test(text) || Number(text) === 0) {
    console.error(`--${name} takes a whole number from 1; got '${text}'.`)
    process.exit(2)
  }
  return Number(text)
}
