/** The log in process passes the suite of LogPort on the machine's disk. */
import { test } from 'node:test'
import { systemClock } from '../../src/base/index.ts'
import { logPortConformance } from '../../src/port/conformance/index.ts'
import { openPort, temporaryFolder } from './support.ts'

const make = async () => {
  const folder = temporaryFolder()
  // Compaction is waited for in real time.
  const port = await openPort(folder.path, { 'log.cleaner.backoff.ms': 20 })
  return {
    port,
    advance: (ms: number) => systemClock.sleep(ms),
    dispose: async () => {
      await port.close()
      folder.remove()
    },
  }
}
for (const { name, run } of logPortConformance({ make })) test(name, run)
