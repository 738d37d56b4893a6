/** The process that is killed: says over IPC what it is doing, and goes on until it is done or dead. Arguments: folder, records per key. */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { openLog } from '../../src/index.ts'
import { countingApp, type Phase, publishNumbered } from './program.ts'

const [folder = '', total = '0'] = process.argv.slice(2)
const log = await openLog(folder)
const say = (phase: Phase | 'opened' | 'done'): void => void process.send?.(phase)
say('opened')
const publishing = publishNumbered(
  log,
  Number(total),
  say,
  () => sleep(1),
  () => false,
)
// The topic has to be there before the app reads it.
while (!(await log.describeTopic('input'))) await sleep(1)
const running = countingApp().start({ log, commitInterval: 10, onPhase: say })
const failed = running.done.then(
  () => undefined,
  (error: unknown) => {
    throw error
  },
)
await Promise.race([publishing, failed])
// All is published: go on until all is counted, then leave without closing anything for good.
for (;;) {
  await sleep(5)
  const { records, lag } = running.progress()
  if (lag === 0 && records >= 0) break
}
await running.stop()
await log.close()
say('done')
process.disconnect?.()
