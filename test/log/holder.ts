/**
 * A process that keeps a data directory open until it is killed: node holder.ts <folder>. Prints a line when
 * it has opened it.
 */
import { appendFileSync } from 'node:fs'
import { nodeDisk, systemClock } from '../../src/base/index.ts'
import { LogDirectory } from '../../src/log/index.ts'

const path = process.argv[2]
if (path === undefined) throw new Error('which folder?')
await LogDirectory.open(path, { disk: nodeDisk, clock: systemClock })
appendFileSync(1, 'open\n')
setInterval(() => undefined, 60_000)
