/**
 * Members of a group in several languages: the `Member` programs of `programs/`, each a process that says
 * what it holds and reads, and leaves when its input ends.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { goCommand, javaCommand, pythonCommand, type Command } from './client-programs.ts'

export type MemberLanguage = 'Java' | 'Python' | 'Go'
export type Assignor = 'range' | 'roundrobin' | 'cooperative-sticky'

/** A record, by where it is. */
export interface ReadRecord {
  readonly partition: number
  readonly offset: number
}

/** Of a group, as a test sees it: in a process, or in this one. */
export interface GroupMember {
  readonly name: string
  /** What it holds; undefined: it does not say. */
  readonly partitions: readonly number[] | undefined
  /** What it has read so far. */
  readonly records: readonly ReadRecord[]
  /** Commits and leaves. */
  leave(): Promise<void>
  /** It ends without leaving. */
  kill(): void
}

export interface JoinOptions {
  readonly bootstrap: string
  readonly group: string
  readonly topic: string
  readonly assignor: Assignor
}

const commands: Readonly<Record<MemberLanguage, () => Command>> = {
  Java: () => javaCommand('Member'),
  Python: () => pythonCommand('member'),
  Go: goCommand,
}

type Line = ReadRecord | { readonly partitions: readonly number[] }

export class MemberProcess implements GroupMember {
  readonly name: MemberLanguage
  partitions: readonly number[] = []
  readonly records: ReadRecord[] = []
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  #complaints = ''

  constructor(language: MemberLanguage, { bootstrap, group, topic, assignor }: JoinOptions) {
    this.name = language
    const { program, args, env } = commands[language]()
    const child = spawn(program, [...args, bootstrap, group, topic, assignor], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child = child
    process.on('exit', this.kill)
    child.stderr
      .setEncoding('utf8')
      .on('data', (text: string) => (this.#complaints = (this.#complaints + text).slice(-4000)))
    const lines = createInterface({ input: child.stdout }).on('line', line => this.#hear(line))
    this.#ended = Promise.all([once(child, 'exit'), once(lines, 'close')])
  }

  kill = (): void => void this.#child.kill('SIGKILL')

  async leave(): Promise<void> {
    this.#child.stdin!.end()
    await this.#ended
    process.off('exit', this.kill)
    if (this.#child.exitCode !== 0)
      throw new Error(
        `The member in ${this.name} ended with ${this.#child.exitCode ?? this.#child.signalCode}. It said:\n${this.#complaints}`,
      )
  }

  #hear(text: string): void {
    // Some clients log to standard output as well.
    if (!text.startsWith('{"partition')) {
      this.#complaints += `${text}\n`
      return
    }
    const line = JSON.parse(text) as Line
    if ('partitions' in line) this.partitions = line.partitions
    else this.records.push(line)
  }
}
