/** How commands end on a signal, or when the reader of their output is gone. */
import assert from 'node:assert/strict'
import { openSync } from 'node:fs'
import { test } from 'node:test'
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { assertRefused, temporaryFolder } from './millrace.ts'

const main = resolve(import.meta.dirname, '../../src/cli/main.ts')

test('consume --follow waits, and Ctrl-C commits what was printed', async t => {
  const folder = temporaryFolder(t)
  await folder.run('produce t', '1\n2\n3\n')
  const following = folder.start('consume t -f -g g')
  await following.printed(/3\n/)

  // Meanwhile the folder is in use, and the error names the process. Commands that only read still work.
  assert.deepEqual(await folder.run('topic list'), { code: 0, out: 't\t1 partition\n', err: '' })
  assert.equal((await folder.run('topic describe t')).out, 't-0\tfrom 0\tto 3\n')
  assert.equal((await folder.run('consume t')).out, '1\n2\n3\n')
  const other = await folder.run('produce t', '4\n')
  assertRefused(other, 1, 'DATA_DIR_IN_USE', new RegExp(`process ${following.process.pid}\\b`))

  assert.deepEqual(await following.interrupt(), { code: 0, out: '1\n2\n3\n', err: '' })
  await folder.run('produce t', '4\n')
  assert.equal((await folder.run('consume t -g g')).out, '4\n')
})

test('SIGTERM ends a command as Ctrl-C does', async t => {
  const folder = temporaryFolder(t)
  await folder.run('produce t', '1\n')
  const following = folder.start('consume t --follow')
  await following.printed(/1\n/)
  following.process.kill('SIGTERM')
  assert.deepEqual(await following.ended, { code: 0, out: '1\n', err: '' })
})

test('produce publishes what it has read when Ctrl-C comes', async t => {
  const folder = temporaryFolder(t)
  const producing = folder.start('produce t')
  producing.process.stdin!.write('1\n2\nhalf a li')
  await folder.grown('t')
  assert.deepEqual(await producing.interrupt(), { code: 0, out: '', err: '2 records published to t.\n' })
  assert.equal((await folder.run('consume t')).out, '1\n2\n')
})

test('a closed pipe ends a command normally, and a full disk is an error', async t => {
  const folder = temporaryFolder(t)
  await folder.run('produce t', Array.from({ length: 100_000 }, (_, n) => `record ${n}\n`).join(''))
  const consuming = folder.start('consume t --follow')
  await consuming.printed(/record 0\n/)
  consuming.process.stdout!.destroy()
  const { code, err } = await consuming.ended
  assert.deepEqual({ code, err }, { code: 0, err: '' })

  if (process.platform !== 'linux') return
  const full = spawnSync(process.execPath, [main, 'consume', 't'], {
    cwd: folder.path,
    stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
    encoding: 'utf8',
  })
  assertRefused({ code: full.status ?? '', out: '', err: full.stderr }, 1, 'SINK_FAILED', /ENOSPC/)
})
