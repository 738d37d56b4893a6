/**
 * Kafka Connect, distributed, with an exactly-once source, against our broker: a file is read line by line
 * into a topic, while the broker and the worker are killed. Each line is there once, and in its order.
 */
import { deepEqual, ok } from 'node:assert/strict'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openLog, text, topic } from '../../src/index.ts'
import { kill, startJava, startOurBroker } from './child.ts'
import { peersFolder } from './install.ts'
import { freePorts } from './kafka-broker.ts'

const lines = topic('lines', { value: text() })
const rounds = 4
const linesPerRound = 200
const waitMsMax = 90_000

test('an exactly-once source of Kafka Connect writes each line once, through kills', async () => {
  mkdirSync(peersFolder, { recursive: true })
  const folder = mkdtempSync(join(peersFolder, 'run-connect-'))
  const [data, file] = [join(folder, 'data'), join(folder, 'input.txt')]
  const [restPort] = await freePorts()
  writeFileSync(file, '')
  await (await openLog(data)).close()
  let broker = await startOurBroker(data)
  const { port } = broker
  const settings = join(folder, 'worker.properties')
  writeFileSync(settings, workerSettings(port, restPort))
  const start = (): ReturnType<typeof startJava> =>
    startJava('org.apache.kafka.connect.cli.ConnectDistributed', [settings], join(folder, 'output.txt'))
  let worker = start()
  const hasWritten = async (count: number): Promise<boolean> => {
    await restartFailed(restPort)
    return (await written(data)).length >= count
  }
  try {
    await configure(restPort, file)
    const expected: string[] = []
    for (let round = 0; round < rounds; round += 1) {
      const more = Array.from({ length: linesPerRound }, (_, n) => `line ${round * linesPerRound + n}`)
      expected.push(...more)
      for (const line of more) appendFileSync(file, `${line}\n`)
      await until(() => hasWritten(expected.length - linesPerRound + 1))
      if (round === 1) {
        await kill(broker.process)
        broker = await startOurBroker(data, port)
      } else if (round === 2) {
        await kill(worker)
        worker = start()
      }
    }
    await until(() => hasWritten(expected.length))
    await sleep(1000)
    deepEqual(await written(data), expected)
  } finally {
    await kill(worker)
    await kill(broker.process)
    rmSync(folder, { recursive: true, force: true })
  }
})

function workerSettings(port: number, restPort: number): string {
  const storage = ['config', 'offset', 'status'].flatMap(name => [
    `${name}.storage.topic=connect-${name}`,
    `${name}.storage.replication.factor=1`,
  ])
  return [
    `bootstrap.servers=127.0.0.1:${port}`,
    'group.id=connect',
    'key.converter=org.apache.kafka.connect.storage.StringConverter',
    'value.converter=org.apache.kafka.connect.storage.StringConverter',
    'exactly.once.source.support=enabled',
    `listeners=http://127.0.0.1:${restPort}`,
    'plugin.discovery=service_load',
    'offset.flush.interval.ms=500',
    // A killed worker is missed soon.
    'session.timeout.ms=6000',
    'heartbeat.interval.ms=1000',
    'scheduled.rebalance.max.delay.ms=0',
    ...storage,
    '',
  ].join('\n')
}

/** Makes the connector, once the worker answers. */
async function configure(restPort: number, file: string): Promise<void> {
  const config = {
    'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector',
    'tasks.max': '1',
    file,
    topic: lines.name,
    'exactly.once.support': 'required',
  }
  await until(async () => {
    const answer = await fetch(`http://127.0.0.1:${restPort}/connectors/file/config`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(config),
    }).catch(() => undefined)
    return answer?.ok === true
  })
}

/**
 * Restarts the task if it has failed, as its operator does: Connect gives up a task whose transaction was
 * aborted, and a crash of the broker aborts the one that is open.
 */
async function restartFailed(restPort: number): Promise<void> {
  const connector = `http://127.0.0.1:${restPort}/connectors/file`
  try {
    const { tasks } = (await (await fetch(`${connector}/status`)).json()) as { tasks: Task[] }
    for (const { id, state } of tasks)
      if (state === 'FAILED') await fetch(`${connector}/tasks/${id}/restart`, { method: 'POST' })
  } catch {
    // The worker is down, or is not ready.
  }
}

interface Task {
  readonly id: number
  readonly state: string
}

/** The lines in the topic, as another process sees them. */
async function written(data: string): Promise<string[]> {
  await using log = await openLog(data, { readOnly: true })
  if ((await log.port.describeTopic(lines.name)) === undefined) return []
  const values: string[] = []
  for await (const { value } of log.consumer(lines, { until: 'end' })) values.push(value ?? '')
  return values
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + waitMsMax
  while (!(await isSo())) {
    ok(performance.now() < deadline, `nothing has come within ${waitMsMax} ms`)
    await sleep(200)
  }
}
