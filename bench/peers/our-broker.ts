/** millrace's broker, as a program: `our-broker.ts <folder> <durability>` prints its port. */
import { openLog } from '../../src/index.ts'

const [folder = '', durability] = process.argv.slice(2)
const log = await openLog(folder, { durability: durability === 'os' ? 'os' : 'sync' })
const server = await log.listen({ port: 0 })
console.log(server.address.port)
process.once('SIGTERM', () => void log.close().then(() => process.exit(0)))
