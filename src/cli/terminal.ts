/** The terminal of a command: its input, its output, and the signal to stop. */
import { isUtf8 } from 'node:buffer'
import process from 'node:process'
import { addAbortSignal, type Readable } from 'node:stream'
import { MillraceError, utf8 } from '../base/index.ts'

export interface Terminal {
  /** Lines of the input, without their ends; they end early when the {@link signal} aborts. */
  readonly lines: AsyncIterable<string>
  /**
   * Writes text, or bytes unchanged. Resolves when the reader has taken it. If the reader is gone, the signal
   * aborts. Throws SINK_FAILED if the output cannot be written, as to a full disk.
   */
  write(text: string | Uint8Array): Promise<void>
  /** For people: progress and errors. */
  note(text: string): void
  /**
   * Aborted by Ctrl-C, by SIGTERM, or when the reader of the output is gone. A second signal ends the
   * process at once.
   */
  readonly signal: AbortSignal
}

/** The terminal of this process. */
export function terminal(): Terminal {
  const stopping = new AbortController()
  const { signal } = stopping
  // Another signal of either kind then has its default effect.
  const stop = (): void => {
    stopping.abort()
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  // Each write reports its failure itself. Without this listener the failure would also end the process.
  process.stdout.on('error', stop)
  process.stderr.on('error', () => {})
  return {
    lines: linesOf(process.stdin, signal),
    write: text =>
      new Promise((resolve, reject) => {
        process.stdout.write(text, error => {
          // `millrace consume … | head` closes the pipe, which is a normal end.
          if (!error || isGone(error)) resolve()
          else
            reject(
              new MillraceError('SINK_FAILED', `The output cannot be written (${error.message}).`, {
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

/** A longer line is refused: the whole line would be held in memory. */
const lineBytesMax = 64 * 1024 * 1024
const lineFeed = 10

/**
 * Splits UTF-8 text at line ends; a last line without one counts.
 * @throws MillraceError SOURCE_MALFORMED for a line that is not UTF-8, LIMIT_EXCEEDED for one that is too
 *   long
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
  // The bytes after the last line end, in pieces: joined once, when the line is complete.
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
          `Line ${number + 1} is longer than ${lineBytesMax} bytes. One line is one record: check the line ends.`,
        )
    }
  } catch (error) {
    if (signal.aborted) return
    throw error
  }
  if (openBytes > 0) yield text(Buffer.concat(open))
}
