/** A transactional producer in a language: a process that does what it is asked to, and says how it went. */
import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { kill } from '../child.ts'
import { javaCommand, pythonCommand } from './client-programs.ts'

export type ProducerLanguage = 'Java' | 'Python'

/** It answers later than any time-out of its client. */
const answersMsMax = 150_000

export class ProducerProcess {
  readonly #child: ChildProcess
  readonly #killWithUs: () => void
  #complaints = ''
  #answered: ((answer: string) => void) | undefined

  constructor(language: ProducerLanguage, bootstrap: string, transactionalId: string, topic: string) {
    const { program, args, env } =
      language === 'Java' ? javaCommand('TransactionalProducer') : pythonCommand('transactional_producer')
    const child = spawn(program, [...args, bootstrap, transactionalId, topic], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child = child
    this.#killWithUs = () => void child.kill('SIGKILL')
    process.on('exit', this.#killWithUs)
    child.stderr
      .setEncoding('utf8')
      .on('data', (text: string) => (this.#complaints = (this.#complaints + text).slice(-4000)))
    createInterface({ input: child.stdout }).on('line', line => {
      if (line.startsWith('{"answer"')) this.#answered?.((JSON.parse(line) as { answer: string }).answer)
      else this.#complaints += `${line}\n`
    })
  }

  /** `init`, `begin`, `send <value>`, `commit` or `abort`; resolves to `done`, or the name of the error. */
  async ask(command: string): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    this.#answered = resolve
    const silence = setTimeout(
      () => reject(new Error(`No answer to '${command}'. The producer said:\n${this.#complaints}`)),
      answersMsMax,
    )
    this.#child.stdin!.write(`${command}\n`)
    try {
      return await promise
    } finally {
      clearTimeout(silence)
    }
  }

  /** kill -9. */
  async kill(): Promise<void> {
    process.off('exit', this.#killWithUs)
    await kill(this.#child)
  }
}
