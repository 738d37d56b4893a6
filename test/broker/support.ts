/** Opens logs in process on the machine's disk, for tests. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeDisk, systemClock, systemRandom } from '../../src/base/index.ts'
import { InProcessLog } from '../../src/broker/index.ts'
import type { BrokerConfigs } from '../../src/port/index.ts'

export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'millrace-broker-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

export function openPort(path: string, configs: BrokerConfigs = {}): Promise<InProcessLog> {
  return InProcessLog.open(path, { disk: nodeDisk, clock: systemClock, random: systemRandom, configs })
}
