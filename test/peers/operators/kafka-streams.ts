/** Kafka Streams as a process that answers programs, one after the other. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { kill } from '../child.ts'
import { kafkaClassPath, peersFolder } from '../install.ts'
import type { Answer, Program, Step } from './program.ts'

const source = join(import.meta.dirname, '../java/StreamsPrograms.java')

const complaintsMax = 2000

export class KafkaStreams {
  readonly #process: ChildProcess
  readonly #answers: AsyncIterator<string>
  readonly #folder: string
  /** The end of what it complains about. */
  #complaints = ''

  constructor() {
    mkdirSync(peersFolder, { recursive: true })
    this.#folder = mkdtempSync(join(peersFolder, 'run-programs-'))
    this.#process = spawn('java', ['-Xmx512m', '-cp', kafkaClassPath(), source, this.#folder], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-complaintsMax)
    })
    // Its end is told by the answer that does not come.
    this.#process.stdin!.on('error', () => {})
    this.#answers = createInterface(this.#process.stdout!)[Symbol.asyncIterator]()
  }

  /** What each step gives. */
  async answer(program: Program, steps: readonly Step[]): Promise<Answer[]> {
    this.#process.stdin!.write(`${JSON.stringify({ program, steps })}\n`)
    const { value, done } = await this.#answers.next()
    if (done) throw new Error(`Kafka Streams has ended: ${this.#complaints}`)
    const answer = JSON.parse(value) as Answer[] | { readonly error: string }
    if ('error' in answer) throw new Error(`Kafka Streams fails: ${answer.error}`)
    return answer
  }

  async close(): Promise<void> {
    await kill(this.#process)
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
