/**
 * A process that is stopped for longer than its time-outs (SIGSTOP, a machine that sleeps): its app continues
 * where it was.
 */
import { deepEqual } from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'

test('an app survives a stop longer than its transaction time-out and idleAfter: nothing is fenced, nothing late', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-stopped-'))
  const child = fork(join(import.meta.dirname, 'stopped-child.test-support.ts'), [folder, '3000'])
  const message = async (): Promise<unknown> =>
    await Promise.race([
      once(child, 'message').then(([said]: unknown[]) => said),
      once(child, 'exit').then(([code]) => `it ended with ${code}`),
    ])
  try {
    deepEqual(await message(), { isOpen: true })
    child.kill('SIGSTOP')
    await setTimeout(4000)
    child.kill('SIGCONT')
    const said = message()
    child.send('continue')
    deepEqual(await said, { outcome: 'done', records: 3, late: 0, idle: 0 })
    await once(child, 'exit')
  } finally {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
})
