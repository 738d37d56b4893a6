/**
 * Kafka Streams' exactly-once word count against our broker, through kill -9 of either side: every word is
 * counted once, and each of its counts is written once.
 */
import { deepEqual, ok } from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '../../src/base/index.ts'
import { openLog, text, topic } from '../../src/index.ts'
import { kill, startOurBroker } from './child.ts'
import { kafkaClassPath, peersFolder } from './install.ts'

const words = topic('words', { key: text(), value: text() })
const counts = topic('counts', { key: text(), value: text() })
const vocabulary = ['to', 'be', 'or', 'not', 'that', 'is', 'the', 'question']
const wordCount = 12_000
const partitions = 2
/** Each side is killed so often. */
const kills = 3
/** Words that are counted between two kills, at least. A slow look at them finds some thousand more. */
const betweenCount = 200
const pollMs = 50
const appId = 'word-count'

test("Kafka Streams' word count is exact through kills of the broker and of itself", async () => {
  mkdirSync(peersFolder, { recursive: true })
  const folder = mkdtempSync(join(peersFolder, 'run-streams-'))
  const [data, state] = [join(folder, 'data'), join(folder, 'state')]
  const expected = await writeWords(data)
  let broker = await startOurBroker(data)
  const { port } = broker
  let app = await startApp(port, state)
  try {
    let counted = 0
    for (let n = 0; n < 2 * kills; n += 1) {
      counted = await countedPast(data, Math.min(counted + betweenCount, wordCount))
      // On a slow machine later kills may find an app that has counted all.
      ok(counted < wordCount || n > 1, 'each side was killed while it counted')
      if (n % 2 === 0) {
        await kill(broker.process)
        broker = await startOurBroker(data, port)
      } else {
        await kill(app)
        app = await startApp(port, state)
      }
    }
    await countedPast(data, wordCount)
    // What is counted twice would come now.
    await sleep(1000)
    deepEqual((await countedIn(data)).counts, expected)
  } finally {
    await kill(app)
    await kill(broker.process)
    rmSync(folder, { recursive: true, force: true })
  }
})

/** Returns the counts of each word, in their order. */
async function writeWords(data: string): Promise<Map<string, string[]>> {
  const random = seededRandom(1)
  await using log = await openLog(data)
  await log.createTopic(words.name, { partitions })
  await log.createTopic(counts.name, { partitions })
  const producer = log.producer(words)
  const written = new Map(vocabulary.map((word): [string, string[]] => [word, []]))
  for (let n = 0; n < wordCount; n += 1) {
    const value = vocabulary[random.int(vocabulary.length)]!
    const before = written.get(value)!
    before.push(`${before.length + 1}`)
    await producer.send({ key: `${n}`, value })
  }
  await producer.close()
  return written
}

/** What was written so far, as another process sees it. */
async function countedIn(
  data: string,
): Promise<{ readonly counts: Map<string, string[]>; readonly total: number }> {
  await using log = await openLog(data, { readOnly: true })
  const found = new Map(vocabulary.map((word): [string, string[]] => [word, []]))
  let total = 0
  for await (const { key, value } of log.consumer(counts, { until: 'end' })) {
    found.get(key!)!.push(value!)
    total += 1
  }
  return { counts: found, total }
}

/** Resolves once so many words were counted; to how many those are. */
async function countedPast(data: string, count: number): Promise<number> {
  for (;;) {
    const { total } = await countedIn(data)
    if (total >= count) return total
    await sleep(pollMs)
  }
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
