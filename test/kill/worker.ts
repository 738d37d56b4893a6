/**
 * The process that is killed: reports its phases over IPC, and continues until it finishes or is killed.
 * Arguments: folder, records per key.
 */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeDisk, systemClock, systemRandom } from '../../src/base/index.ts'
import { InProcessLog } from '../../src/broker/index.ts'
import { createLog } from '../../src/port/index.ts'
import { appRecordBytesMax, tinyLimits } from '../tiny-limits.ts'
import { countingApp, createTopics, housekeeping, type Phase, publishNumbered } from './program.ts'

const [folder = '', total = '0'] = process.argv.slice(2)
const port = await InProcessLog.open(folder, {
  disk: nodeDisk,
  clock: systemClock,
  random: systemRandom,
  internal: tinyLimits(systemRandom, appRecordBytesMax),
  configs: housekeeping,
})
const log = createLog(port, systemClock)
const say = (phase: Phase | 'opened' | 'done'): void => void process.send?.(phase)
say('opened')
await createTopics(log)
const publishing = publishNumbered(
  log,
  Number(total),
  say,
  () => sleep(1),
  () => false,
)
const running = countingApp().start({ log, commitInterval: 10, onPhase: say })
await Promise.race([publishing, running.done])
// All records are published: this run counts the rest, whether or not the live run has begun with it.
await running.stop()
await countingApp().run({ log, commitInterval: 10, until: 'now', onPhase: say })
await log.close()
say('done')
process.disconnect?.()
