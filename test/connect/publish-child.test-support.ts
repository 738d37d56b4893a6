/**
 * The process that test/connect/publish-kill.test.ts kills: publishes a CSV file, good rows and bad, to a log
 * in a folder.
 */
import { nodeDisk, systemClock, systemRandom } from '../../src/base/index.ts'
import { InProcessLog } from '../../src/broker/index.ts'
import { csv, publish } from '../../src/connect/index.ts'
import { numbers } from './numbers.test-support.ts'

const [folder, file] = process.argv.slice(2)
const log = await InProcessLog.open(folder!, { disk: nodeDisk, clock: systemClock, random: systemRandom })
const source = csv(file!, { columns: { n: 'integer', text: 'string' }, name: 'numbers' })
await publish(log, numbers, source, {
  key: ({ n }) => `key ${n % 10}`,
  onError: { deadLetter: 'letters' },
  commitBytes: 1,
  observer: { onPhase: phase => console.log(phase) },
})
await log.close()
