/** One run of the demo in this process: the pipeline under a progress bar, then the results. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { openLog, type Progress } from '../../src/index.ts'
import { checkTables } from './check.ts'
import { quarter } from './extract.ts'
import { startPipeline } from './pipeline.ts'
import { showProgress } from './progress.ts'
import { isEqual, number, panes, picture, verdict, worstHours } from './show.ts'
import { openWarehouse } from './warehouse.ts'

export interface RunOptions {
  readonly data: string
  readonly days: number
}

/** Runs from the present state of the data; resolves to the exit code. */
export async function run({ data, days }: RunOptions): Promise<number> {
  const begun = performance.now()
  const stopping = new AbortController()
  const interrupt = (): void => {
    if (stopping.signal.aborted) process.exit(130)
    console.log('\nCommitting and leaving. Press Ctrl-C again to leave at once.')
    stopping.abort()
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)

  const warehouse = join(data, 'warehouse.duckdb')
  console.log(
    `The flights of ${days} days of 2001: from a file into a log, through one app, into four tables of ${warehouse}, exactly once.\n`,
  )
  const { complete, progress } = await fill(join(data, 'log'), warehouse, days, stopping.signal)
  if (!complete) {
    const same = days === quarter ? '' : ` --days ${days}`
    console.log(`Left cleanly. npm start -- --resume${same} continues from here.`)
    return 130
  }
  const seconds = (performance.now() - begun) / 1000
  console.log(
    `${number(progress.records)} records in ${seconds.toFixed(1)} s, ${number(progress.metrics.commits)} transactions. ${panes(progress.metrics)}\n`,
  )

  await using questions = await openWarehouse(warehouse)
  console.log(`${await worstHours(questions)}\n\n${await picture(questions)}\n`)
  const checks = await checkTables(questions, days)
  const checked = checks.every(isEqual)
  console.log(`${verdict(checks)}\n\nThe log is in ${join(data, 'log')}, the tables in ${warehouse}.`)

  const report = process.env['MILLRACE_REPORT']
  if (report !== undefined) {
    const peakRssBytes = process.resourceUsage().maxRSS * 1024
    await writeFile(report, JSON.stringify({ records: progress.records, seconds, peakRssBytes, checked }))
  }
  return checked ? 0 : 1
}

async function fill(
  folder: string,
  warehouse: string,
  days: number,
  signal: AbortSignal,
): Promise<{ complete: boolean; progress: Progress }> {
  await using log = await openLog(folder)
  // For the process that started this one to kill it: see crash.ts.
  const tell = (what: string): void => void process.send?.(what)
  const pipeline = await startPipeline({
    log,
    warehouse,
    days,
    signal,
    onPhase: tell,
    onCommit: () => tell('committed'),
  })
  const hide = showProgress(pipeline)
  try {
    return { complete: await pipeline.done, progress: pipeline.progress().app }
  } finally {
    hide()
  }
}
