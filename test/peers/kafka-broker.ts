/**
 * A real Apache Kafka: one node, broker and KRaft controller in one, on loopback, with its data in a separate
 * folder under `.peers/`. `stop()` shuts it down in an orderly way and leaves the folder, so that its log can
 * be read.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { kafkaClassPath, peersFolder } from './install.ts'
import { java } from './java.ts'

const startMsMax = 120_000
const stopMsMax = 60_000
/** Any 16 bytes, base64: the tests need no two clusters to differ. */
const clusterId = 'bWlsbHJhY2UtcGVlcnMtMQ'

export interface KafkaBroker {
  /** Of everything that it keeps: for another start over the same data. */
  readonly folder: string
  /** `host:port`, for clients. */
  readonly brokers: string
  /** Of its process. */
  readonly pid: number
  /** From the start of its process until it listens. */
  readonly startMs: number
  /** The folder that holds a folder per partition (`plain-gzip-0`). */
  readonly logDirectory: string
  /** Shuts the broker down; its log directory stays. Calling it again does nothing. */
  stop(): Promise<void>
  /** kill -9. */
  kill(): Promise<void>
  /** Stops the broker if it runs, and removes its data. */
  remove(): Promise<void>
}

/**
 * Starts Apache Kafka and resolves when it accepts connections. `properties` are added to server.properties.
 * `data`: the folder of a broker that has ended, whose data it continues, at the same address.
 */
export async function startKafka(
  properties: Record<string, string> = {},
  data?: string,
): Promise<KafkaBroker> {
  const classPath = kafkaClassPath()
  mkdirSync(peersFolder, { recursive: true })
  const folder = data ?? mkdtempSync(join(peersFolder, 'run-kafka-'))
  const logDirectory = join(folder, 'log')
  const outputFile = join(folder, 'output.txt')
  const configFile = join(folder, 'server.properties')
  const [port, controllerPort] = data === undefined ? await freePorts() : portsIn(configFile)
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': '0',
    'controller.quorum.voters': `0@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': logDirectory,
    // One node, one copy.
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
    // Records of the past are not old data here.
    'log.retention.ms': '-1',
    ...properties,
  }
  writeFileSync(
    configFile,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  // A feature of clusters of several nodes, which would set a config of all topics.
  const features = ['--feature', 'eligible.leader.replicas.version=0']
  if (data === undefined)
    await java('kafka.tools.StorageTool', ['format', '-t', clusterId, '-c', configFile, ...features])

  const output = openSync(outputFile, 'w')
  const begun = performance.now()
  const broker = spawn('java', ['-Xmx1g', '-cp', classPath, 'kafka.Kafka', configFile], {
    stdio: ['ignore', output, output],
  })
  const exited = once(broker, 'exit')
  const running = (): boolean => broker.exitCode === null && broker.signalCode === null
  const killWithUs = (): void => void broker.kill('SIGKILL')
  process.on('exit', killWithUs)

  const deadline = begun + startMsMax
  while (!(await accepts(port))) {
    if (running() && performance.now() < deadline) await sleep(10)
    else {
      broker.kill('SIGKILL')
      throw new Error(
        `Apache Kafka did not start. It said:\n${readFileSync(outputFile, 'utf8').slice(-4000)}`,
      )
    }
  }

  const startMs = performance.now() - begun
  const kill = async (): Promise<void> => {
    broker.kill('SIGKILL')
    await exited
    process.off('exit', killWithUs)
  }
  const stop = async (): Promise<void> => {
    if (running()) broker.kill('SIGTERM')
    const force = setTimeout(() => broker.kill('SIGKILL'), stopMsMax)
    await exited
    clearTimeout(force)
    process.off('exit', killWithUs)
  }
  return {
    folder,
    brokers: `127.0.0.1:${port}`,
    pid: broker.pid!,
    startMs,
    logDirectory,
    stop,
    kill,
    async remove() {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Those of a broker that has ended. */
function portsIn(configFile: string): [number, number] {
  const [, port, controllerPort] =
    /^listeners=PLAINTEXT:\/\/127\.0\.0\.1:(\d+),CONTROLLER:\/\/127\.0\.0\.1:(\d+)$/m.exec(
      readFileSync(configFile, 'utf8'),
    )!
  return [Number(port), Number(controllerPort)]
}

/** Two ports that nobody listens on. Both are held before either is given up, so they differ. */
export async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()] as const
  const ports = await Promise.all(
    servers.map(async server => {
      await once(server.listen(0, '127.0.0.1'), 'listening')
      return (server.address() as AddressInfo).port
    }),
  )
  await Promise.all(servers.map(server => once(server.close(), 'close')))
  const [first, second] = ports
  assert(first !== undefined && second !== undefined)
  return [first, second]
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    const answer = (accepted: boolean): void => {
      socket.destroy()
      resolve(accepted)
    }
    socket.once('connect', () => answer(true))
    socket.once('error', () => answer(false))
  })
}
