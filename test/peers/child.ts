/** Processes of the peers that run beside a test. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { kafkaClassPath } from './install.ts'

export interface RunningBroker {
  readonly process: ChildProcess
  readonly port: number
}

/** Our broker over the log in a folder, as a process; port 0 takes a free one. */
export async function startOurBroker(data: string, port = 0): Promise<RunningBroker> {
  const program = join(import.meta.dirname, '../kill/tcp-broker.ts')
  const broker = spawn(process.execPath, [program, data, `${port}`], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const [listening] = (await once(broker, 'message')) as [number]
  return { process: broker, port: listening }
}

/** A program of the class path, or a `.java` file. What it says goes to a file. */
export function startJava(program: string, args: readonly string[], output: string): ChildProcess {
  const out = openSync(output, 'a')
  const child = spawn('java', ['-Xmx384m', '-cp', kafkaClassPath(), program, ...args], {
    stdio: ['ignore', out, out],
  })
  process.on('exit', () => child.kill('SIGKILL'))
  return child
}

/** kill -9. Nothing happens if it has ended. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}
