/** The process of an engine. */
import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'
import { kill } from '../../../test/peers/child.ts'
import { cpuSecondsOf } from '../brokers.ts'

const saidMax = 4000

export class Program {
  /** The end of what it has said. */
  said = ''
  readonly #process: ChildProcess
  readonly #killWithUs = (): void => void this.#process.kill('SIGKILL')

  constructor(command: string, args: readonly string[]) {
    // As users start it: without the setting of malloc that tools/node makes for tests.
    const env = { ...process.env, MALLOC_ARENA_MAX: undefined }
    this.#process = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env })
    for (const output of [this.#process.stdout!, this.#process.stderr!])
      output.setEncoding('utf8').on('data', (text: string) => {
        this.said = (this.said + text).slice(-saidMax)
      })
    process.on('exit', this.#killWithUs)
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null
  }

  cpuSeconds(): number {
    return cpuSecondsOf(this.#process.pid!)
  }

  async kill(): Promise<void> {
    process.off('exit', this.#killWithUs)
    await kill(this.#process)
  }
}
