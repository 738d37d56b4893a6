/**
 * The data folder is removed, moved or replaced while the log is open: soon no more records are acknowledged,
 * and nothing is ever written to what is there now.
 */
import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { isMillraceError } from '../../src/base/index.ts'
import { json, openLog, text, topic } from '../../src/index.ts'
import { temporaryFolder } from '../broker/support.ts'

const flights = topic('flights', { key: text(), value: json<number>() })
const alerts = topic('alerts', { key: text(), value: json<number>() })

const changes: Record<string, (path: string) => void> = {
  removed: path => rmSync(path, { recursive: true }),
  moved: path => renameSync(path, `${path}-before`),
  'replaced by a copy': path => {
    cpSync(path, `${path}-copy`, { recursive: true })
    renameSync(path, `${path}-before`)
    renameSync(`${path}-copy`, path)
  },
  'without one topic': path => rmSync(join(path, 'flights-0'), { recursive: true }),
}

function contentOf(path: string): unknown {
  if (!existsSync(path)) return 'nothing'
  return readdirSync(path, { recursive: true })
    .map(String)
    .sort()
    .filter(name => !name.startsWith('.lock') && statSync(join(path, name)).isFile())
    .map(name => [name, readFileSync(join(path, name), 'base64')])
}

for (const [what, change] of Object.entries(changes))
  for (const durability of ['sync', 'os'] as const)
    test(`soon acknowledges nothing, and never writes, once the folder is ${what}, durability ${durability}`, async t => {
      const folder = temporaryFolder()
      t.after(() => folder.remove())
      const path = join(folder.path, 'data')
      const fatal: Error[] = []
      const log = await openLog(path, { durability, onFatal: error => fatal.push(error) })
      const producer = log.producer(flights)
      await producer.send({ key: 'a', value: 1 })
      await log.createTopic(alerts)
      change(path)
      const before = contentOf(path)
      // It may have been seen in its place a moment ago.
      await sleep(60)
      await assert.rejects(producer.send({ key: 'a', value: 2 }), error =>
        isMillraceError(error, 'PARTITION_POISONED', 'DISK_FAILED'),
      )
      assert.match(fatal[0]?.message ?? '', /no longer in its place/)
      if (what !== 'without one topic')
        await assert.rejects(log.port.createTopic('more', { partitions: 1 }), error =>
          isMillraceError(error, 'DISK_FAILED'),
        )
      await assert.rejects(log.close())
      if (what !== 'without one topic') assert.deepEqual(contentOf(path), before)
      if (what !== 'moved') return
      // What the message promises: acknowledged records are there.
      renameSync(`${path}-before`, path)
      // The process that held the lock must have ended.
      rmSync(join(path, '.lock'), { recursive: true })
      await using again = await openLog(path)
      for await (const { value } of again.consumer(flights, { until: 'end', from: 'earliest' }))
        if (value === 1) return
      assert.fail('the record that was acknowledged is lost')
    })
