/** What a command talks to: its input, its output, and the wish to stop. */
import { isUtf8 } from 'node:buffer'
import process from 'node:process'
import { addAbortSignal, type Readable } from 'node:stream'
import { MillraceError, utf8 } from '../base/index.ts'

export interface Terminal {
  /** Lines of the input, without their ends; they end early when the {@link signal} aborts. */
  readonly lines: AsyncIterable<string>
  /**
   * Writes text, or bytes as they are; resolves when the reader has taken it, or has gone: then the signal
   * aborts. SINK_FAILED where the output goes to something that cannot be written, as a full disk.
   */
  write(text: string | Uint8Array): Promise<void>
  /** For people: progress and errors. */
  note(text: string): void
  /**
   * Aborted by Ctrl-C, SIGTERM, or when nobody reads the output any more. A second Ctrl-C ends the process at
   * once.
   */
  readonly signal: AbortSignal
}

/** The process's own. */
export function terminal(): Terminal {
  const stopping = new AbortController()
  const { signal } = stopping
  const stop = (): void => stopping.abort()
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  // Each write is told of its own failure; without somebody who listens it would end the process as well.
  process.stdout.on('error', stop)
  process.stderr.on('error', () => {})
  return {
    lines: linesOf(process.stdin, signal),
    write: text =>
      new Promise((resolve, reject) => {
        process.stdout.write(text, error => {
          // `millrace consume … | head` closes the pipe: that is an end like any other.
          if (!error || isGone(error)) resolve()
          else
            reject(
              new MillraceError('SINK_FAILED', `The output cannot be written: ${error.message}.`, {
                cause: error,
              }),
            )
        })
      }),
    note: text => void process.stderr.write(`${text}\n`),
    signal,
  }
}

function isGone(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EPIPE' || error.code === 'ECONNRESET' || error.code === 'ERR_STREAM_DESTROYED'
}

/** A line longer than this is refused: it is no record, and would be held in memory whole. */
const lineBytesMax = 64 * 1024 * 1024
const lineFeed = 10

/**
 * Splits UTF-8 text at line ends; a last line without one counts.
 * @throws MillraceError SOURCE_MALFORMED for what is not UTF-8, LIMIT_EXCEEDED for a line that has no end
 */
export async function* linesOf(input: Readable, signal: AbortSignal): AsyncGenerator<string, void> {
  addAbortSignal(signal, input)
  let number = 0
  const text = (line: Buffer): string => {
    number += 1
    if (!isUtf8(line))
      throw new MillraceError(
        'SOURCE_MALFORMED',
        `Line ${number} of the input is not UTF-8. Convert it first, with iconv for example.`,
      )
    const start = number === 1 && line.indexOf('\uFEFF') === 0 ? 3 : 0
    return utf8(line, start, line.at(-1) === 13 ? line.length - 1 : line.length)
  }
  // What came after the last line end, in pieces: joined once, when the line is whole.
  let open: Buffer[] = []
  let openBytes = 0
  try {
    for await (const chunk of input as AsyncIterable<Buffer>) {
      let start = 0
      for (let end; (end = chunk.indexOf(lineFeed, start)) >= 0; start = end + 1) {
        const line = chunk.subarray(start, end)
        yield text(openBytes > 0 ? Buffer.concat([...open, line]) : line)
        open = []
        openBytes = 0
      }
      if (start === chunk.length) continue
      open.push(chunk.subarray(start))
      openBytes += chunk.length - start
      if (openBytes > lineBytesMax)
        throw new MillraceError(
          'LIMIT_EXCEEDED',
          `Line ${number + 1} is longer than ${lineBytesMax} bytes. One line is one record: check what the lines end with.`,
        )
    }
  } catch (error) {
    if (signal.aborted) return
    throw error
  }
  if (openBytes > 0) yield text(Buffer.concat(open))
}
