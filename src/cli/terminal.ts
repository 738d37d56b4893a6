/** What a command talks to: its input, its output, and the wish to stop. Tests pass their own. */
import process from 'node:process'

export interface Terminal {
  /** Lines of the input, without their ends. */
  readonly lines: AsyncIterable<string>
  /** Writes text; resolves when the reader can take more. Rejects when it is gone (a pipe that was closed). */
  write(text: string): Promise<void>
  /** For people: progress and errors. */
  note(text: string): void
  /** Aborted by Ctrl-C, SIGTERM, or when nobody reads the output any more. */
  readonly signal: AbortSignal
}

/** The process's own. */
export function terminal(): Terminal {
  const stopping = new AbortController()
  const stop = (): void => stopping.abort()
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  // `millrace consume … | head` closes the pipe: that is an end like any other.
  process.stdout.on('error', stop)
  return {
    lines: linesOf(process.stdin),
    write: text =>
      new Promise(resolve => {
        if (stopping.signal.aborted || process.stdout.write(text)) resolve()
        else {
          process.stdout.once('drain', resolve)
          process.stdout.once('error', () => resolve())
        }
      }),
    note: text => void process.stderr.write(`${text}\n`),
    signal: stopping.signal,
  }
}

/** A line longer than this is refused: it is no record, and would be held in memory whole. */
const lineCharactersMax = 64 * 1024 * 1024

/** Splits text at line ends; a last line without one counts. */
export async function* linesOf(input: AsyncIterable<Buffer | string>): AsyncIterable<string> {
  const decoder = new TextDecoder('utf-8')
  let rest = ''
  for await (const chunk of input) {
    rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > lineCharactersMax)
      throw new Error(`A line of the input is longer than ${lineCharactersMax} characters.`)
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line
  }
  rest += decoder.decode()
  if (rest !== '') yield rest
}
