/** The two brokers that are compared, each in its own process, with what the kernel counts of it. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { startKafka } from '../../test/peers/kafka-broker.ts'
import type { Address } from './raw-connection.ts'

export interface BenchBroker {
  readonly name: 'millrace' | 'Apache Kafka'
  readonly address: Address
  /** When its process was started, by `performance.now()`. */
  readonly begunMs: number
  /** What it keeps: for another start over the same data. */
  readonly folder: string
  /** User and system time of the process so far. */
  cpuSeconds(): number
  residentBytes(): number
  /** Ends the process as its operator would; the data stays. */
  stop(): Promise<void>
  /** Ends the process at once; the data stays. */
  kill(): Promise<void>
  /** Ends the process if it runs, and removes the data. */
  remove(): Promise<void>
}

/** `os`: acknowledged once written, as Apache Kafka does. `sync`: once synced, its `flush.messages=1`. */
export type Durability = 'os' | 'sync'

/** Starts a broker, over the data of an earlier one if a folder is given. */
export type Start = (durability: Durability, folder?: string) => Promise<BenchBroker>

const host = '127.0.0.1'
/** Of /proc/<pid>/stat. */
const ticksPerSecond = 100
const pageBytes = 4096
const root = resolve(import.meta.dirname, '../..')
const command = join(root, 'dist/cli/main.js')

/** The command line as users run it: built. */
export function buildOurs(): void {
  const { status } = spawnSync(process.execPath, [join(root, 'tools/build.js')], { stdio: 'inherit' })
  if (status !== 0 || !existsSync(command)) throw new Error('millrace was not built: see above.')
}

/** `millrace broker`. */
export function startOurs(durability: Durability, data?: string): Promise<BenchBroker> {
  const folder = data ?? mkdtempSync(join(tmpdir(), 'millrace-bench-broker-'))
  const options = ['--listen', `${host}:0`, '--data', folder, '--durability', durability]
  return startNode([command, 'broker', ...options], folder)
}

/** A process that calls `startBroker` of millrace/testing. Its start is that of the call. */
export async function startInProcess(): Promise<BenchBroker> {
  const program = join(import.meta.dirname, 'test-broker.js')
  const testing = join(root, 'dist/testing/index.js')
  return startNode([program, testing], mkdtempSync(join(tmpdir(), 'millrace-bench-broker-')))
}

/** Starts a program of ours, whose first line ends with its port; milliseconds may be in front of it. */
async function startNode(args: readonly string[], folder: string): Promise<BenchBroker> {
  // As users start it: without the setting of malloc that tools/node makes for tests.
  const env = { ...process.env, MALLOC_ARENA_MAX: undefined }
  const spawnedMs = performance.now()
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'], env })
  const exited = once(child, 'exit')
  const failed = exited.then(() => {
    throw new Error(`'${args.join(' ')}' has ended without listening.`)
  })
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), failed])) as [string]
  const [, ownMs, port] = /^(?:(\S+) ms, )?.*:(\d+)$/.exec(line)!
  const begunMs = ownMs === undefined ? spawnedMs : performance.now() - Number(ownMs)
  const ended = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal)
    await exited
  }
  return {
    name: 'millrace',
    begunMs,
    folder,
    address: { host, port: Number(port) },
    ...countedBy(child.pid!),
    stop: () => ended('SIGTERM'),
    kill: () => ended('SIGKILL'),
    async remove() {
      await ended('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Apache Kafka. */
export async function startTheirs(durability: Durability, data?: string): Promise<BenchBroker> {
  const properties = {
    // Files of deleted topics go at once.
    'log.segment.delete.delay.ms': '100',
    // Recovery begins at the last segment, and not as far back as a minute ago.
    'log.flush.offset.checkpoint.interval.ms': '1000',
    ...(durability === 'sync' ? { 'log.flush.interval.messages': '1' } : {}),
  }
  const broker = await startKafka(properties, data)
  return {
    name: 'Apache Kafka',
    begunMs: performance.now() - broker.startMs,
    folder: broker.folder,
    address: { host, port: Number(broker.brokers.split(':')[1]) },
    ...countedBy(broker.pid),
    stop: () => broker.stop(),
    kill() {
      process.kill(broker.pid, 'SIGKILL')
      return broker.stop()
    },
    remove: () => broker.remove(),
  }
}

function countedBy(pid: number): Pick<BenchBroker, 'cpuSeconds' | 'residentBytes'> {
  return {
    cpuSeconds: () => cpuSecondsOf(pid),
    residentBytes: () => Number(statOf(pid)[21]) * pageBytes,
  }
}

/** User and system time of a process so far. */
export function cpuSecondsOf(pid: number): number {
  const fields = statOf(pid)
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** What follows the name, which may hold spaces. */
function statOf(pid: number): readonly string[] {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
}
