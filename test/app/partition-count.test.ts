/** A topic that declares another partition count than it has: its readers and its writers are refused. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '../../src/base/index.ts'
import { createApp, json, text, topic } from '../../src/index.ts'
import { openTestLog } from '../../src/broker/simulated-log.test-support.ts'

for (const part of ['source', 'sink'] as const)
  test(`an app whose ${part} declares 4 partitions does not run over one of 2`, async t => {
    const log = await openTestLog(t)
    await log.createTopic('source', { partitions: 2 })
    await log.createTopic('sink', { partitions: 2 })
    const declared = (name: string) =>
      topic(name, { key: text(), value: json<number>(), ...(name === part && { partitions: 4 }) })
    const app = createApp('counts')
    app
      .stream(declared('source'))
      .filter(value => value !== null)
      .to(declared('sink'))
    await assert.rejects(
      app.run({ log, until: 'now' }),
      error =>
        isMillraceError(error, 'PARTITION_COUNT_CHANGED') &&
        error.message.includes(`'${part}' has 2 partitions, the program declares 4`),
    )
  })
