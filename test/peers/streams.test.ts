/**
 * Kafka Streams' exactly-once word count against our broker, through kill -9 of either side: every word is
 * counted once, and each of its counts is written once.
 */
import { deepEqual } from 'node:assert/strict'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '../../src/base/index.ts'
import { openLog, text, topic } from '../../src/index.ts'
import { kill, startOurBroker } from './child.ts'
import { kafkaClassPath, peersFolder, requireProgram } from './install.ts'

const words = topic('words', { key: text(), value: text() })
const counts = topic('counts', { key: text(), value: text() })
const vocabulary = ['to', 'be', 'or', 'not', 'that', 'is', 'the', 'question']
const partitions = 2
/** Each side is killed so often. */
const kills = 3
/** Words before each kill: the app counts one each millisecond. */
const portion = 1000
/** After they were sent: the kill comes in the middle of them. */
const killAfterMs = 300
const pollMs = 50
const appId = 'word-count'

test("Kafka Streams' word count is exact through kills of the broker and of itself", async () => {
  requireProgram('kcat', ['-V'], 'kcat')
  mkdirSync(peersFolder, { recursive: true })
  const folder = mkdtempSync(join(peersFolder, 'run-streams-'))
  const [data, state] = [join(folder, 'data'), join(folder, 'state')]
  await createTopics(data)
  let broker = await startOurBroker(data)
  const { port } = broker
  let app = await startApp(port, state)
  try {
    const random = seededRandom(1)
    const expected = noCounts()
    for (let n = 1; n <= 2 * kills; n += 1) {
      const sent = Array.from({ length: portion }, () => vocabulary[random.int(vocabulary.length)]!)
      for (const word of sent) expected.get(word)!.push(`${expected.get(word)!.length + 1}`)
      send(port, sent)
      await sleep(killAfterMs)
      if (n % 2 === 1) {
        await kill(broker.process)
        broker = await startOurBroker(data, port)
      } else {
        await kill(app)
        app = await startApp(port, state)
      }
      await counted(data, n * portion)
    }
    // What is counted twice would come now.
    await sleep(1000)
    deepEqual((await countedIn(data)).counts, expected)
  } finally {
    await kill(app)
    await kill(broker.process)
    rmSync(folder, { recursive: true, force: true })
  }
})

async function createTopics(data: string): Promise<void> {
  await using log = await openLog(data)
  for (const { name } of [words, counts]) await log.createTopic(name, { partitions })
}

/** Returns once the broker has all of them. */
function send(port: number, sent: readonly string[]): void {
  execFileSync('kcat', ['-b', `127.0.0.1:${port}`, '-P', '-t', words.name], { input: `${sent.join('\n')}\n` })
}

/** What was written so far, as another process sees it. */
async function countedIn(
  data: string,
): Promise<{ readonly counts: Map<string, string[]>; readonly total: number }> {
  await using log = await openLog(data, { readOnly: true })
  const found = noCounts()
  let total = 0
  for await (const { key, value } of log.consumer(counts, { until: 'end' })) {
    found.get(key!)!.push(value!)
    total += 1
  }
  return { counts: found, total }
}

/** Of each word, in their order. */
function noCounts(): Map<string, string[]> {
  return new Map(vocabulary.map(word => [word, []]))
}

/** Resolves once so many words were counted. */
async function counted(data: string, count: number): Promise<void> {
  while ((await countedIn(data)).total < count) await sleep(pollMs)
}

/** Resolves when it runs. */
async function startApp(port: number, state: string): Promise<ChildProcess> {
  const program = join(import.meta.dirname, 'java/WordCount.java')
  const args = [`127.0.0.1:${port}`, appId, words.name, counts.name, state]
  const app = spawn('java', ['-Xmx256m', '-cp', kafkaClassPath(), program, ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await once(createInterface(app.stdout), 'line')
  return app
}
