// The suites of tests: which files each one holds. Paths begin at the root of the project.
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const isPeer = file => file.startsWith('test/peers/')
/** Tests of connectors and of the command line run whole logs, and take as long as all other units. */
const runsLogs = file => /^src\/(connect|cli)\//.test(file)

/**
 * Each suite: its files, and how many processes run at a time. `isShared`: they share the files out between
 * them; else each file has its own process. Peers share ports, disk and a JVM's memory.
 */
export const suites = {
  unit: { files: () => testFiles('src').filter(file => !runsLogs(file)), processes: 2, isShared: true },
  integration: {
    files: () => [...testFiles('src').filter(runsLogs), ...testFiles('test').filter(file => !isPeer(file))],
    processes: 2,
    isShared: false,
  },
  peers: { files: () => testFiles('test').filter(isPeer), processes: 1, isShared: false },
}

function testFiles(folder) {
  return readdirSync(join(root, folder), { recursive: true })
    .filter(file => file.endsWith('.test.ts'))
    .map(file => `${folder}/${file.replaceAll('\\', '/')}`)
    .sort()
}
