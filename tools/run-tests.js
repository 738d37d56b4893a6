// Runs tests of the project with the pinned Node: node tools/run-tests.js <suite>… [<file>…] [--soak] Where
// files are named, they alone run: npm test -- test/app/time.test.ts
//
// Node's runner takes file patterns, but npm's shell differs by platform and an empty pattern passes
// silently. So the files are listed here, a suite without a file is an error, and the environment is set the
// same way everywhere.
//
// Each file runs in a process, and many start more processes. All of them share a cache of compiled modules
// for the time of the run: without it each takes 0.8 s of CPU more to strip types and compile.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, sep } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const isPeer = file => file.startsWith(join('test', 'peers') + sep)

/**
 * Each suite: which test files it holds, and how many run at a time. Peers share ports, disk and a JVM's
 * memory.
 */
const suites = {
  unit: { files: () => testFiles('src'), concurrency: 2 },
  integration: { files: () => testFiles('test').filter(file => !isPeer(file)), concurrency: 2 },
  peers: { files: () => testFiles('test').filter(isPeer), concurrency: 1 },
}

const names = process.argv.slice(2).filter(argument => !argument.startsWith('--'))
const named = names.filter(name => name.endsWith('.test.ts'))
const chosen = names.filter(name => !named.includes(name))
const unknown = chosen.filter(name => !(name in suites))
if (names.length === 0 || unknown.length > 0) {
  console.error(
    `tools/run-tests: unknown suite '${unknown.join("', '")}'. The suites are: ${Object.keys(suites).join(', ')}. ` +
      `A file's name ends in .test.ts.`,
  )
  process.exit(2)
}
for (const file of named)
  if (!existsSync(join(root, file))) {
    console.error(`tools/run-tests: there is no file '${file}'. Name it as seen from ${root}.`)
    process.exit(2)
  }

const files = named.length > 0 ? named : chosen.flatMap(filesOf)
const running = named.some(isPeer) ? ['peers'] : chosen
const concurrency = Math.min(...running.map(name => suites[name].concurrency), 2)
const soak = process.argv.includes('--soak')
/** A test that hangs must fail. A soak has no such bound: its length is its purpose. */
const timeout = soak ? [] : ['--test-timeout=240000']
const cache = mkdtempSync(join(tmpdir(), 'millrace-compiled-'))
const runner = spawn(
  process.execPath,
  [
    join(root, 'tools/node/run.js'),
    '--test',
    `--test-concurrency=${concurrency}`,
    '--test-reporter=spec',
    ...timeout,
    ...files,
  ],
  {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: cache, ...(soak && { SOAK: '1' }) },
  },
)
// Ctrl-C reaches the runner as well: this process waits for it, so that the cache is removed.
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => signal === 'SIGINT' || runner.kill(signal))
runner.on('exit', code => {
  rmSync(cache, { recursive: true, force: true })
  process.exit(code ?? 1)
})

function filesOf(suite) {
  const found = suites[suite].files()
  if (found.length > 0) return found
  console.error(`tools/run-tests: the suite '${suite}' has no test file.`)
  process.exit(1)
}

function testFiles(folder) {
  return readdirSync(join(root, folder), { recursive: true })
    .filter(file => file.endsWith('.test.ts'))
    .map(file => join(folder, file))
    .sort()
}
