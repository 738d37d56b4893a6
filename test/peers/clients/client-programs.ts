/**
 * The programs of `programs/`: the same cases through clients in several languages. Each is called with a
 * bootstrap address and what its topics begin with, and prints a line of JSON per case. Clients are installed
 * into `.peers/`, in the versions that a file beside their programs pins, with all that they depend on.
 */
import { spawn } from 'node:child_process'
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { installed, kafkaClassPath, requireProgram, run } from '../install.ts'
import { npm } from '../runtimes.ts'

const programs = join(import.meta.dirname, 'programs')
/** A program that says nothing for so long hangs. */
const silentMsMax = 180_000

/** A client, as the columns of docs/compatibility.md name it. */
export type Client = 'Java' | 'Python' | 'Go' | 'kafkajs' | 'Platformatic' | 'kcat' | 'Kafka tools'

export interface ClientProgram {
  readonly client: Client
  readonly name: string
  /** What to start, in front of the bootstrap address; installs what it needs. */
  readonly command: () => Command
}

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Record<string, string>
}

/** A line that a program prints. */
export interface CaseResult {
  readonly area: string
  readonly case: string
  readonly result: unknown
}

export const clientPrograms: readonly ClientProgram[] = [
  ...['Clients', 'Groups', 'Transactions', 'Admins', 'Tools'].map((name): ClientProgram => ({
    client: name === 'Tools' ? 'Kafka tools' : 'Java',
    name,
    command: () => javaCommand(name),
  })),
  ...['records', 'topics', 'groups', 'transactions'].map((name): ClientProgram => ({
    client: 'Python',
    name,
    command: () => pythonCommand(name),
  })),
  { client: 'Go', name: 'franz-go', command: goCommand },
  { client: 'kafkajs', name: 'kafkajs', command: () => nodeCommand('kafkajs') },
  { client: 'Platformatic', name: 'platformatic', command: () => nodeCommand('platformatic') },
  {
    client: 'kcat',
    name: 'kcat',
    command: () => {
      requireProgram('kcat', ['-V'], 'kcat')
      return nodeCommand('kcat')
    },
  },
]

export function javaCommand(mainClass: string): Command {
  const folder = join(programs, 'java')
  const files = readdirSync(folder).map(file => join(folder, file))
  const classPath = kafkaClassPath()
  const classes = installed('clients-java', [classPath, ...files.map(file => readFileSync(file))], to =>
    run('javac', ['-Xlint:-deprecation', '-nowarn', '-d', to, '-cp', classPath, ...files]),
  )
  return { program: 'java', args: ['-Xmx512m', '-cp', [classes, classPath].join(delimiter), mainClass] }
}

export function pythonCommand(name: string): Command {
  requireProgram('python3', ['-m', 'pip', '--version'], 'python3-pip')
  const requirements = join(programs, 'python', 'requirements.txt')
  const libraries = installed('clients-python', [readFileSync(requirements)], to =>
    // Without what is not named there.
    run('python3', ['-m', 'pip', 'install', '-q', '--no-deps', '--target', to, '-r', requirements]),
  )
  const env = { PYTHONPATH: libraries, PYTHONDONTWRITEBYTECODE: '1' }
  return { program: 'python3', args: [join(programs, 'python', `${name}.py`)], env }
}

export function goCommand(): Command {
  requireProgram('go', ['version'], 'golang-go')
  const folder = join(programs, 'franz')
  const built = installed('clients-go', textsOf(folder), to =>
    run('go', ['build', '-o', join(to, 'franz'), '.'], { cwd: folder }),
  )
  return { program: join(built, 'franz'), args: [] }
}

/** The programs are copied to the packages, so that they find them. */
function nodeCommand(name: string): Command {
  const folder = join(programs, 'node')
  const project = installed('clients-node', textsOf(folder), to => {
    cpSync(folder, to, { recursive: true })
    npm(to, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline')
  })
  return { program: process.execPath, args: [join(project, `${name}.js`)] }
}

/** What the files of a folder say, those of its subfolders too. */
function textsOf(folder: string): Buffer[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name)))
}

/** What a program prints when it talks to this broker. Rejects if it fails, or is silent for too long. */
export async function runProgram(
  { name, command }: ClientProgram,
  bootstrap: string,
): Promise<readonly CaseResult[]> {
  const { program, args, env } = command()
  const child = spawn(program, [...args, bootstrap, name.toLowerCase()], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const killWithUs = (): void => void child.kill('SIGKILL')
  process.on('exit', killWithUs)
  let silence = setTimeout(killWithUs, silentMsMax)
  const results: CaseResult[] = []
  let complaints = ''
  child.stderr
    .setEncoding('utf8')
    .on('data', (text: string) => (complaints = (complaints + text).slice(-4000)))
  createInterface({ input: child.stdout }).on('line', line => {
    clearTimeout(silence)
    silence = setTimeout(killWithUs, silentMsMax)
    // Some clients log to standard output as well.
    if (line.startsWith('{"area":')) results.push(JSON.parse(line) as CaseResult)
    else complaints += `${line}\n`
  })
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) =>
    child.on('error', reject).on('close', (...ended) => resolve(ended)),
  )
  clearTimeout(silence)
  process.off('exit', killWithUs)
  if (code === 0) return results
  throw new Error(
    `${name} at ${bootstrap} ended with ${code ?? signal} after the case '${results.at(-1)?.case}'. It said:\n${complaints}`,
  )
}
