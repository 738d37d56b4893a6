/** The two brokers that are compared, each in its own process, with what the kernel counts of it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { startKafka } from '../../test/peers/kafka-broker.ts'
import type { Address } from './raw-client.ts'

export interface BenchBroker {
  readonly name: 'millrace' | 'Apache Kafka'
  readonly address: Address
  /** From the start of its process until it listens. */
  readonly startMs: number
  /** User and system time of the process so far. */
  cpuSeconds(): number
  residentBytes(): number
  stop(): Promise<void>
}

/** `os`: acknowledged once written, as Apache Kafka does. `sync`: once synced, its `flush.messages=1`. */
export type Durability = 'os' | 'sync'

const host = '127.0.0.1'
/** Of /proc/<pid>/stat. */
const ticksPerSecond = 100
const pageBytes = 4096

export async function startOurs(durability: Durability): Promise<BenchBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-broker-'))
  const begun = performance.now()
  const program = resolve(import.meta.dirname, 'our-broker.ts')
  const child = spawn(process.execPath, [program, folder, durability], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [port] = (await once(createInterface(child.stdout), 'line')) as [string]
  return {
    name: 'millrace',
    startMs: performance.now() - begun,
    address: { host, port: Number(port) },
    ...countedBy(child.pid!),
    async stop() {
      await ended(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export async function startTheirs(durability: Durability): Promise<BenchBroker> {
  const broker = await startKafka({
    // Files of deleted topics go at once.
    'log.segment.delete.delay.ms': '100',
    ...(durability === 'sync' ? { 'log.flush.interval.messages': '1' } : {}),
  })
  return {
    name: 'Apache Kafka',
    startMs: broker.startMs,
    address: { host, port: Number(broker.brokers.split(':')[1]) },
    ...countedBy(broker.pid),
    stop: () => broker.remove(),
  }
}

/** Ends the process as its operator would. */
async function ended(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
}

function countedBy(pid: number): Pick<BenchBroker, 'cpuSeconds' | 'residentBytes'> {
  // What follows the name, which may hold spaces.
  const fields = (): string[] => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return {
    cpuSeconds: () => (Number(fields()[11]) + Number(fields()[12])) / ticksPerSecond,
    residentBytes: () => Number(fields()[21]) * pageBytes,
  }
}
