/** Runs the real command line as a child process in a temporary folder. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

const main = resolve(import.meta.dirname, '../../src/cli/main.ts')
const sources = pathToFileURL(resolve(import.meta.dirname, '../../src/index.ts')).href

export interface Ended {
  /** The exit code, or the name of the signal that ended it. */
  readonly code: number | string
  readonly out: string
  readonly err: string
}

export interface Running {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves when one of the outputs of the child matches the pattern. */
  printed(pattern: RegExp): Promise<void>
  interrupt(): Promise<Ended>
}

export interface Folder {
  readonly path: string
  /** Runs a command to its end, with `input` on its standard input. */
  run(args: string, input?: string | Uint8Array): Promise<Ended>
  /** Starts a command whose input stays open. */
  start(args: string): Running
  /**
   * Resolves when a topic's first partition has grown past `bytes`. The test cannot ask the running command,
   * which holds the folder's lock.
   */
  grown(topic: string, bytes?: number): Promise<void>
  /** The size of the topic's first partition, in bytes. */
  size(topic: string): number
  /** Writes a module that may import from 'millrace'. */
  write(name: string, text: string): void
}

export function temporaryFolder(t: Pick<TestContext, 'after'>): Folder {
  const path = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  const start = (args: string): Running => startIn(path, args.split(' '))
  const size = (topic: string): number => {
    const segment = join(path, `data/${topic}-0/00000000000000000000.log`)
    return statSync(segment, { throwIfNoEntry: false })?.size ?? 0
  }
  return {
    path,
    start,
    size,
    async grown(topic, bytes = 0) {
      while (size(topic) <= bytes) await setTimeout(20)
    },
    run(args, input = '') {
      const { process, ended } = start(args)
      process.stdin!.on('error', () => {})
      process.stdin!.end(input)
      return ended
    },
    write: (name, text) => writeFileSync(join(path, name), text.replace("'millrace'", `'${sources}'`)),
  }
}

function startIn(cwd: string, args: readonly string[]): Running {
  const { MILLRACE_DATA: _, ...env } = process.env
  const child = spawn(process.execPath, [main, ...args], { cwd, env, stdio: 'pipe' })
  let out = ''
  let err = ''
  let look = (): void => {}
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
    look()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
    look()
  })
  const ended = new Promise<Ended>((done, failed) => {
    child.on('error', failed)
    child.on('close', (code, signal) => done({ code: code ?? signal ?? 'unknown', out, err }))
  })
  return {
    process: child,
    ended,
    printed: pattern =>
      new Promise((found, failed) => {
        look = () => {
          if (pattern.test(out) || pattern.test(err)) found()
        }
        look()
        void ended.then(() => failed(new Error(`ended without ${String(pattern)}:\n${out}\n${err}`)))
      }),
    interrupt() {
      child.kill('SIGINT')
      return ended
    },
  }
}

/**
 * The command failed with an operating error: with this exit code and error code, in one message without a
 * stack.
 */
export function assertRefused(
  { code, err }: Ended,
  exitCode: number,
  errorCode: string,
  about: RegExp,
): void {
  assert.match(err, /^millrace: /m)
  assert.match(err, new RegExp(`\\(${errorCode}\\)\n$`))
  assert.match(err, about)
  assert.doesNotMatch(err, /node:internal|Node\.js v/)
  assert.equal(code, exitCode)
}
