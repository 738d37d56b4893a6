// Runs tests of the project with the pinned Node:
//   node tools/run-tests.js <suite>… [<file>…] [--soak | --quick]
//
// With file names it runs only these: npm test -- test/app/time.test.ts
//
// Node's runner takes file patterns, but npm's shell differs by platform and an empty pattern passes
// silently. So the files are listed here, a suite without a file is an error, and the environment is set the
// same way everywhere.
//
// A unit test takes a few milliseconds, and a process for its file half a second of CPU: unit tests share
// two processes. Each other file has a process, and many start more. All of them share a cache of compiled
// modules for the time of the run: without it each takes 0.8 s of CPU more to strip types and compile.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { stripVTControlCharacters } from 'node:util'
import { root, suites } from './suites.js'

const names = process.argv.slice(2).filter(argument => !argument.startsWith('--'))
const named = names.filter(name => name.endsWith('.test.ts')).map(name => name.replaceAll('\\', '/'))
const chosen = names.filter(name => !name.endsWith('.test.ts'))
const unknown = chosen.filter(name => !(name in suites))
if (names.length === 0 || unknown.length > 0)
  refuse(
    `unknown suite '${unknown.join("', '")}'. The suites are: ${Object.keys(suites).join(', ')}. ` +
      `The name of a file ends in .test.ts.`,
  )
const missing = named.find(file => !Object.values(suites).some(suite => suite.files().includes(file)))
if (missing !== undefined) refuse(`no suite has a file '${missing}'. Name it as seen from ${root}.`)

const isSoak = process.argv.includes('--soak')
const isQuick = process.argv.includes('--quick')
const cache = mkdtempSync(join(tmpdir(), 'millrace-compiled-'))
process.on('exit', () => rmSync(cache, { recursive: true, force: true }))
/** Ctrl-C reaches the runners as well: this process waits for them, so that the cache is removed. */
let stopped = false
const running = new Set()
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    stopped = true
    if (signal !== 'SIGINT') for (const runner of running) runner.kill(signal)
  })

let code = 0
/** The sums of the runners' summaries, by name. */
const totals = new Map()
const begun = performance.now()
for (const [suite, { processes, isShared, files }] of Object.entries(suites)) {
  const wanted = named.length > 0 ? files().filter(file => named.includes(file)) : filesOf(suite)
  if (wanted.length === 0) continue
  if (isShared) await runShared(wanted, processes)
  else await runEach(wanted, processes)
}
for (const [name, total] of totals) console.log(`ℹ ${name} ${total}`)
console.log(`ℹ duration_ms ${performance.now() - begun}`)
process.exitCode = code

/** All files of a suite that was chosen. */
function filesOf(suite) {
  if (!chosen.includes(suite)) return []
  const found = suites[suite].files()
  if (found.length === 0) refuse(`the suite '${suite}' has no test file.`)
  return found
}

/** Runs each file in a process, so many at a time. */
function runEach(tests, processes) {
  return run(['--test', `--test-concurrency=${processes}`, ...tests])
}

/** Deals the files out to so many processes. What the others print follows what the first one prints. */
async function runShared(tests, processes) {
  const shares = Array.from({ length: Math.min(processes, tests.length) }, (_, share) =>
    tests.filter((_file, index) => index % processes === share),
  )
  const printed = await Promise.all(
    shares.map((share, index) => run(['tools/share.js', ...share], { isHeld: index > 0 })),
  )
  for (const lines of printed) for (const line of lines) console.log(line)
}

/**
 * Runs Node's runner, and prints what it does: at once, or if it is held not at all; then its lines are
 * returned. Its summary is added to the {@link totals}, so that all runners end with one.
 */
async function run(args, { isHeld = false } = {}) {
  if (stopped) return []
  const runner = spawn(
    process.execPath,
    [
      join(root, 'tools/node/run.js'),
      `--import=${new URL('./no-promise-hooks.js', import.meta.url).href}`,
      `--import=${new URL('./poison-lent-memory.js', import.meta.url).href}`,
      '--test-reporter=spec',
      // A test that hangs must fail. A soak has no such bound: its length is its purpose.
      ...(isSoak ? [] : ['--test-timeout=240000']),
      ...args,
    ],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        NODE_COMPILE_CACHE: cache,
        ...(process.stdout.isTTY && { FORCE_COLOR: '1' }),
        ...(isSoak && { SOAK: '1' }),
        ...(isQuick && { QUICK: '1' }),
      },
    },
  )
  running.add(runner)
  const held = []
  createInterface({ input: runner.stdout }).on('line', line => {
    const [, name, count] = /^ℹ (\w+) ([\d.]+)$/.exec(stripVTControlCharacters(line)) ?? []
    if (name === undefined) {
      if (isHeld) held.push(line)
      else console.log(line)
    } else if (name !== 'duration_ms') totals.set(name, (totals.get(name) ?? 0) + Number(count))
  })
  const ended = await new Promise(resolve => runner.on('close', resolve))
  running.delete(runner)
  if (ended !== 0) code = ended ?? 1
  return held
}

function refuse(message) {
  console.error(`tools/run-tests: ${message}`)
  process.exit(2)
}
