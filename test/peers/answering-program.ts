/** A Java program of a peer that answers requests: a line of JSON for each, in their order. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { kill } from './child.ts'
import { peersFolder, run } from './install.ts'

const complaintsMax = 2000

export class AnsweringProgram {
  readonly #process: ChildProcess
  readonly #answers: AsyncIterator<string>
  readonly #folder: string
  /** The end of what it complains about. */
  #complaints = ''

  /** The source of the class is in `java/`. The program gets a folder that it may use. */
  constructor(className: string, classPath: string) {
    mkdirSync(peersFolder, { recursive: true })
    this.#folder = mkdtempSync(join(peersFolder, 'run-program-'))
    // Compiled, because Flink looks for the classes of functions in the class path.
    const classes = join(this.#folder, 'classes')
    const sources = join(import.meta.dirname, 'java')
    const source = join(sources, `${className}.java`)
    run('javac', ['-nowarn', '-d', classes, '-cp', classPath, '-sourcepath', sources, source])
    // Flink leaves folders among the temporary files of a process that is killed.
    const options = ['-Xmx512m', `-Djava.io.tmpdir=${this.#folder}`]
    const args = [...options, '-cp', [classes, classPath].join(delimiter), className, this.#folder]
    this.#process = spawn('java', args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-complaintsMax)
    })
    // Its end is told by the answer that does not come.
    this.#process.stdin!.on('error', () => {})
    this.#answers = createInterface(this.#process.stdout!)[Symbol.asyncIterator]()
  }

  /** @throws Error what the program says of a request that fails. */
  async answer<T>(request: unknown): Promise<T> {
    this.#process.stdin!.write(`${JSON.stringify(request)}\n`)
    const { value, done } = await this.#answers.next()
    if (done) throw new Error(`The program has ended: ${this.#complaints}`)
    const answer = JSON.parse(value) as T | { readonly error: string }
    if (typeof answer === 'object' && answer !== null && 'error' in answer)
      throw new Error(`The program fails: ${answer.error}`)
    return answer
  }

  async close(): Promise<void> {
    await kill(this.#process)
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
