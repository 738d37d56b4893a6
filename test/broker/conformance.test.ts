/**
 * The in-process log passes the suite of LogPort: on the machine's disk, and on a simulated one that loses
 * power.
 */
import { describe, test } from 'node:test'
import { systemClock } from '../../src/base/index.ts'
import { logPortConformance } from '../../src/port/conformance/index.ts'
import { openPort, SimulatedLog, temporaryFolder } from './support.ts'

void describe('LogPort in process, on the real disk', () => {
  const make = async () => {
    const folder = temporaryFolder()
    const port = await openPort(folder.path)
    return {
      port,
      advance: (ms: number) => systemClock.sleep(ms),
      dispose: async () => {
        await port.close()
        folder.remove()
      },
    }
  }
  for (const { name, run } of logPortConformance({ make })) void test(name, run)
})

void describe('LogPort in process, on a simulated disk that loses power', () => {
  const make = async () => {
    const log = new SimulatedLog()
    return {
      port: await log.open(),
      advance: (ms: number) => log.clock.advance(ms),
      crash: () => log.crash(),
      dispose: () => log.close(),
    }
  }
  for (const { name, run } of logPortConformance({ make, crashes: true })) void test(name, run)
})
