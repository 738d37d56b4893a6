/** Runs commands in the process of a test. */
import { doesNotMatch, equal, match } from 'node:assert/strict'
import { Readable } from 'node:stream'
import { runCli } from './cli.ts'
import { linesOf } from './terminal.ts'

/** Runs a command over a terminal of arrays. */
export async function run(
  args: readonly string[],
  input: string | Uint8Array = '',
): Promise<{ code: number; out: string; err: string }> {
  const { signal } = new AbortController()
  let out = ''
  let err = ''
  const code = await runCli(args, {
    lines: linesOf(Readable.from([Buffer.from(input)]), signal),
    signal,
    write: text => {
      out += text
      return Promise.resolve()
    },
    note: text => {
      err += `${text}\n`
    },
  })
  return { code, out, err }
}

/**
 * The command is refused with this exit code and error code (without one: by the parser of arguments), in
 * words that match `about`.
 */
export async function refused(
  args: readonly string[],
  [exitCode, errorCode, about]: readonly [number, string, RegExp],
  input?: string | Uint8Array,
): Promise<void> {
  const { code, err } = await run(args, input)
  match(err, about)
  match(
    err,
    errorCode === ''
      ? /^millrace: .*\n(\(Did you mean .*\)\n)?.*--help.*\n$/
      : new RegExp(`\\(${errorCode}\\)\n$`),
  )
  doesNotMatch(err, /node:internal/)
  equal(code, exitCode)
}
