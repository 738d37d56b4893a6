/**
 * A process that is stopped for longer than its time-outs (SIGSTOP, a machine that sleeps) continues where it
 * was.
 */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { temporaryFolder } from './support.ts'

test('a transaction survives a stop of its process that is longer than its time-out', async () => {
  const folder = temporaryFolder()
  const child = fork(join(import.meta.dirname, 'stopped-child.test-support.ts'), [folder.path, '1000'])
  try {
    assert.deepEqual((await once(child, 'message'))[0], 'begun')
    child.kill('SIGSTOP')
    await sleep(2000)
    child.kill('SIGCONT')
    child.send('commit')
    assert.equal((await once(child, 'message'))[0], 'committed')
    await once(child, 'exit')
  } finally {
    child.kill('SIGKILL')
    folder.remove()
  }
})
