// Runs the checks side by side, and prints what a failed one said: node tools/check.js [--fast]
//
// Everything: types, lint, format and unit tests. With --fast only what changed since the branch left main:
// types, lint of the changed files, and the unit tests beside them.
//
// The linter has the types for its rules, and finds the compiler's errors with them. With --fast it looks at
// the changed files only, so the compiler checks all: it keeps what it found in .cache, and looks again at
// what a change may concern.
import { spawn, spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { root, suites } from './suites.js'

const run = join(root, 'tools/node/run.js')
const compiler = join(root, 'node_modules/typescript/bin/tsc')
const linter = join(root, 'node_modules/oxlint/bin/oxlint')
const formatter = join(root, 'node_modules/oxfmt/bin/oxfmt')
const tests = join(root, 'tools/run-tests.js')
const types = join(root, '.cache/types.tsbuildinfo')
const lint = [run, linter, '--deny-warnings']

const begun = performance.now()
const steps = process.argv.includes('--fast') ? fastSteps() : allSteps()
const outcomes = await Promise.all(steps.map(runStep))
console.log(`${seconds(begun)} s in all`)
process.exitCode = outcomes.every(Boolean) ? 0 : 1

function allSteps() {
  return [
    { name: 'unit tests', args: [tests, 'unit', '--quick'] },
    { name: 'types and lint', args: lint },
    { name: 'format', args: [run, formatter, '--check'] },
  ]
}

function fastSteps() {
  const changed = changedFiles()
  const code = changed.filter(file => /\.(ts|js)$/.test(file))
  const folders = new Set(code.map(file => dirname(file)))
  const units = suites.unit.files().filter(file => folders.has(dirname(file)))
  console.log(`${changed.length} files were changed, with unit tests in ${units.length} files beside them`)
  return [
    { name: 'types', args: [run, compiler, '--noEmit', '--incremental', '--tsBuildInfoFile', types] },
    ...(code.length > 0 ? [{ name: 'lint', args: [...lint, ...code] }] : []),
    { name: 'format', args: [run, formatter, '--check'] },
    ...(units.length > 0 ? [{ name: 'unit tests', args: [tests, ...units, '--quick'] }] : []),
  ]
}

/** The files that differ from the commit where this branch left main, new ones too. */
function changedFiles() {
  const base = git('merge-base', 'HEAD', 'main')[0] ?? 'HEAD'
  return [
    ...git('diff', '--name-only', '--diff-filter=d', base),
    ...git('ls-files', '--others', '--exclude-standard'),
  ]
}

function git(...args) {
  const { stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  return stdout.split('\n').filter(Boolean)
}

/** Resolves to whether the step passed. */
function runStep({ name, args }) {
  const start = performance.now()
  const step = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  const chunks = []
  for (const stream of [step.stdout, step.stderr]) stream.on('data', chunk => chunks.push(chunk))
  return new Promise(resolve =>
    step.on('close', code => {
      const said = Buffer.concat(chunks).toString()
      process.stdout.write(code === 0 ? summaryOf(said) : said)
      console.log(`${code === 0 ? '✔' : '✖'} ${name} (${seconds(start)} s)`)
      resolve(code === 0)
    }),
  )
}

/** What a runner of tests says at its end: a check that passed still says how many there were. */
function summaryOf(said) {
  return said.replaceAll(/^(?!ℹ ).*\n?/gm, '')
}

function seconds(since) {
  return ((performance.now() - since) / 1000).toFixed(1)
}
