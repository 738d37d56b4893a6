/** The demo in its own process: records per second, peak memory, and whether its result was checked. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'

/** The most resident memory of the demo. */
export const rssBytesMax: number = 700 * 1024 * 1024

/** The days that have flights: all three million. */
const allDays = '181'

/** The demo's report, in the file that MILLRACE_REPORT names. */
export interface DemoReport {
  readonly records: number
  readonly seconds: number
  readonly peakRssBytes: number
  /** Its results were compared with those of a plain loop over the input, and were equal. */
  readonly checked: boolean
}

/** Runs the demo from the beginning, its data in `folder`. */
export async function runDemo(folder: string): Promise<DemoReport> {
  const report = join(folder, 'report.json')
  const main = join(import.meta.dirname, '../examples/flights/main.ts')
  const demo = spawn(process.execPath, [main, '--days', allDays, '--data', join(folder, 'data')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, MILLRACE_REPORT: report },
  })
  const [code, signal] = (await once(demo, 'exit')) as [number | null, string | null]
  if (code !== 0) throw new Error(`The demo ended with ${signal ?? code}.`)
  return JSON.parse(await readFile(report, 'utf8')) as DemoReport
}
