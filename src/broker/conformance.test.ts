/** The log in process passes the suite of LogPort on a simulated disk that loses power. */
import { test } from 'node:test'
import { logPortConformance } from '../port/conformance/index.ts'
import { SimulatedLog } from './simulated-log.test-support.ts'

const make = async () => {
  const log = new SimulatedLog()
  return {
    port: await log.open(),
    advance: (ms: number) => log.clock.advance(ms),
    crash: () => log.crash(),
    dispose: () => log.close(),
  }
}
for (const { name, run } of logPortConformance({ make, crashes: true })) test(name, run)
