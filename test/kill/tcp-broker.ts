/**
 * The broker that is killed: a process that serves the log in a folder over TCP, and tells its port over IPC.
 * Arguments: the folder, and a port unless any will do. SIGTERM closes it, which marks the folder as cleanly
 * closed.
 */
import process from 'node:process'
import { nodeDisk, nodeNet, systemClock, systemRandom } from '../../src/base/index.ts'
import { InProcessLog } from '../../src/broker/index.ts'
import { tinyLimits } from '../tiny-limits.ts'

const [folder = '', port = '0'] = process.argv.slice(2)
const log = await InProcessLog.open(folder, {
  disk: nodeDisk,
  clock: systemClock,
  random: systemRandom,
  internal: tinyLimits(systemRandom),
  configs: { 'log.segment.bytes': 64 * 1024 },
})
const server = await log.listen({ net: nodeNet, address: { port: Number(port) } })
process.on('SIGTERM', () => void log.close().then(() => process.exit(0)))
process.send?.(server.address.port)
