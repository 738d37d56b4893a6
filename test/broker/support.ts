/** Opens in-process logs for tests: in a folder of their own that is removed at the end. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { nodeDisk, systemClock, systemRandom } from '../../src/base/index.ts'
import { InProcessLog } from '../../src/broker/index.ts'
import { createLog, type Log } from '../../src/port/index.ts'

export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'millrace-broker-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

export function openPort(path: string): Promise<InProcessLog> {
  return InProcessLog.open(path, { disk: nodeDisk, clock: systemClock, random: systemRandom })
}

/** A log for one test. */
export async function openTestLog(context: TestContext): Promise<Log> {
  const { path, remove } = temporaryFolder()
  const log = createLog(await openPort(path), systemClock)
  context.after(async () => {
    await log.close()
    remove()
  })
  return log
}
