/**
 * Shows that the tests catch bugs: npm run test:seeded [-- parts of bugs' names]
 *
 * Copies the work tree, and checks that the named tests pass there. Then it applies each bug of bugs.ts
 * alone, and runs the bug's tests until one fails. A bug that no test notices is an error.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { bugs } from './bugs.ts'
import type { SeededBug } from './seeded-bug.ts'
import { patched } from './patch.ts'
import type { FailedTest } from './reporter.ts'

const root = resolve(import.meta.dirname, '../..')
/** A test that hangs because of a bug has noticed it. */
const testTimeoutMs = 120_000
/** So has a file of tests, if the bug blocks the event loop and with it the time-outs of the tests. */
const fileTimeoutMs = 300_000

const folder = mkdtempSync(join(tmpdir(), 'millrace-seeded-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
const chosen = bugs.filter(isChosen)
if (chosen.length === 0) {
  console.error(
    `No seeded bug has '${process.argv.slice(2).join("' or '")}' in its name: see test/seeded/bugs/.`,
  )
  process.exit(2)
}
process.exitCode = (await catchesAll()) ? 0 : 1

/** All bugs, or those whose name contains one of the arguments. */
function isChosen({ name }: SeededBug): boolean {
  const parts = process.argv.slice(2)
  return parts.length === 0 || parts.some(part => name.includes(part))
}

async function catchesAll(): Promise<boolean> {
  const tree = copyTree()
  const files = [...new Set(chosen.flatMap(({ tests }) => tests))]
  console.log(`Without a bug: ${files.length} test files`)
  const failed = await firstFailure(tree, files)
  if (failed) {
    console.error(`✖ ${sentence(failed)} fails as it is: nothing can be said of any bug.`)
    return false
  }
  console.log('✔ all pass\n')
  let survivors = 0
  for (const bug of chosen) {
    const begun = performance.now()
    const path = join(tree, bug.file)
    const text = readFileSync(path, 'utf8')
    const buggy = patched(text, bug)
    // Every test would catch a bug that does not compile.
    stripTypeScriptTypes(buggy)
    writeFileSync(path, buggy)
    const caught = await firstFailure(tree, bug.tests)
    writeFileSync(path, text)
    const seconds = ((performance.now() - begun) / 1000).toFixed(0)
    if (caught) console.log(`✔ ${bug.name} (${seconds} s)\n  caught by ${sentence(caught)}`)
    else console.error(`✖ ${bug.name} (${seconds} s)\n  NOT CAUGHT by ${bug.tests.join(', ')}`)
    if (!caught) survivors += 1
  }
  console.log(`\n${chosen.length - survivors} of ${chosen.length} seeded bugs are caught.`)
  return survivors === 0
}

/** The files that git tracks or would add, with the original's packages. */
function copyTree(): string {
  const tree = join(folder, 'tree')
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
  for (const file of listed.split('\0')) {
    // Skips deleted files, and links to folders.
    if (!lstatSync(join(root, file), { throwIfNoEntry: false })?.isFile()) continue
    mkdirSync(dirname(join(tree, file)), { recursive: true })
    cpSync(join(root, file), join(tree, file))
  }
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'), 'junction')
  return tree
}

/** Runs the test files, and ends them at the first test that fails. */
async function firstFailure(tree: string, files: readonly string[]): Promise<FailedTest | undefined> {
  const temporary = join(folder, 'tmp')
  mkdirSync(temporary, { recursive: true })
  const options = [
    '--import=./tools/no-promise-hooks.js',
    '--import=./tools/poison-lent-memory.js',
    '--test',
    '--test-concurrency=2',
    `--test-timeout=${testTimeoutMs}`,
  ]
  const runner = spawn(
    process.execPath,
    [...options, `--test-reporter=./test/seeded/reporter.ts`, ...files],
    {
      cwd: tree,
      // A process group: processes that the tests have started end with them.
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, TMPDIR: temporary, NODE_COMPILE_CACHE: join(folder, 'compiled') },
    },
  )
  const ended = once(runner, 'exit')
  const end = (): void => {
    try {
      process.kill(-runner.pid!, 'SIGKILL')
    } catch {
      // The group has ended by itself.
    }
  }
  process.on('exit', end)
  let hangs = false
  const timer = setTimeout(() => {
    hangs = true
    end()
  }, files.length * fileTimeoutMs)
  try {
    for await (const line of createInterface({ input: runner.stdout }))
      if (line.startsWith('{')) return JSON.parse(line) as FailedTest
    const [code] = await ended
    if (hangs) return { name: 'a file that does not end', file: files.join(', ') }
    if (code !== 0) throw new Error(`node --test ${files.join(' ')} ended with ${code}, and no test failed`)
    return undefined
  } finally {
    clearTimeout(timer)
    end()
    process.off('exit', end)
    rmSync(temporary, { recursive: true, force: true })
  }
}

function sentence({ name, file }: FailedTest): string {
  return `'${name}' in ${file}`
}
