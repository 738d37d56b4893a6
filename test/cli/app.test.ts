/** `run` and `describe`, as child processes over a module that a user could write. */
import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { test } from 'node:test'
import { assertRefused, temporaryFolder } from './millrace.ts'

const counter = `
import { createApp, json, text, topic } from 'millrace'
const words = topic('words', { key: text(), value: text() })
const counts = topic('counts', { key: text(), value: json<number>() })
const app = createApp('counter')
app.stream(words).mapValues(word => { if (word === 'x') throw new Error('no x please'); return word })
  .groupByKey().count().toStream().to(counts)
export default app
`

test('an app is described, runs, continues, is stopped, fails and finishes', async t => {
  const folder = temporaryFolder(t)
  folder.write('app.ts', counter)
  const described = await folder.run('describe app.ts')
  assert.deepEqual([described.code, described.err], [0, ''])
  assert.match(described.out, /^app counter\n {2}stage 0\n/)
  assertRefused(await folder.run('run app.ts --until now'), 1, 'UNKNOWN_TOPIC', /'words'/)

  await folder.run('produce words -k :', 'a:1\nb:1\na:1\n')
  const now = await folder.run('run app.ts --until now')
  assert.deepEqual([now.code, now.out], [0, ''])
  assert.match(now.err, /processed 3 records/)
  assert.equal((await folder.run('consume counts')).out, 'a\t1\nb\t1\na\t2\n')

  // A live run: it stays although there is nothing to do, and Ctrl-C commits what it did meanwhile.
  await folder.run('produce words -k :', 'b:1\n')
  const before = folder.size('counts')
  const running = folder.start('run app.ts --commit-interval 10ms')
  await folder.grown('counts', before)
  await setTimeout(1200)
  assert.equal(running.process.exitCode, null)
  const stopped = await running.interrupt()
  assert.equal(stopped.code, 0)
  assert.match(stopped.err, /processed 1 record in/)
  assert.equal((await folder.run('consume counts')).out, 'a\t1\nb\t1\na\t2\nb\t2\n')

  await folder.run('produce words -k :', 'c:x\n')
  const failed = await folder.run('run app.ts --until end')
  assertRefused(failed, 1, 'USER_FUNCTION_FAILED', /words-0, offset 4.*no x please/)

  folder.write('app.ts', counter.replace("'x'", "'y'"))
  assert.equal((await folder.run('run app.ts --until end')).code, 0)
  assertRefused(await folder.run('run app.ts --until end'), 1, 'APP_FINISHED', /'counter'.*--restart/)
  assert.match((await folder.run('run app.ts --until now --restart')).err, /processed 5 records/)
})

test('apps are listed, moved and deleted', async t => {
  const folder = temporaryFolder(t)
  folder.write('app.ts', counter)
  await folder.run('produce words -k :', 'a:1\na:2\na:3\n')
  await folder.run('run app.ts --until now')
  await folder.run('produce words -k :', 'a:4\n')
  const listed = await folder.run('app list')
  assert.deepEqual(
    [listed.code, listed.out],
    [0, 'counter\tnot finished\n  words-0\tat 3\t1 record behind\n'],
  )
  assertRefused(
    await folder.run('app reset counter --to 9'),
    1,
    'OFFSET_OUT_OF_RANGE',
    /words-0 has the offsets 0 to 4/,
  )
  assertRefused(await folder.run('app reset other --to 0'), 2, 'INVALID_ARGUMENT', /no app 'other'/)
  const moved = await folder.run('app reset counter --to 2')
  assert.equal(moved.out, 'counter\tstopped\n  words-0\tat 2\t2 records behind\n')
  await folder.run('run app.ts --until now')
  assert.equal((await folder.run('consume counts')).out, 'a\t1\na\t2\na\t3\na\t1\na\t2\n')
  assert.equal((await folder.run('app delete counter')).code, 0)
  assert.equal((await folder.run('app list')).out, '')
  assertRefused(await folder.run('app delete counter'), 2, 'INVALID_ARGUMENT', /'counter'/)
})

test('apps and groups are listed beside the process that has the log open', async t => {
  const folder = temporaryFolder(t)
  folder.write('app.ts', counter)
  await folder.run('produce words -k :', 'a:1\na:2\na:3\n')
  await folder.run('consume words --group readers --max 2')
  const before = folder.size('counts')
  const running = folder.start('run app.ts --commit-interval 10ms')
  await folder.grown('counts', before)
  // What is written is committed a moment later.
  let apps = await folder.run('app list')
  for (let n = 0; n < 60 && !/at 3/.test(apps.out); n += 1) apps = await folder.run('app list')
  assert.deepEqual([apps.code, apps.out], [0, 'counter\tnot finished\n  words-0\tat 3\t0 records behind\n'])
  const groups = await folder.run('group list')
  assert.deepEqual([groups.code, groups.out], [0, 'readers\n  words-0\tat 2\t1 record behind\n'])
  for (const change of ['app reset counter --to 0', 'group reset readers --topic words --to 0'])
    assertRefused(await folder.run(change), 1, 'DATA_DIR_IN_USE', /in use by process \d+.*End that process/)
  const dry = await folder.run('group reset readers --topic words --to 0 --dry-run')
  assert.deepEqual([dry.code, dry.out], [0, 'words-0\t2 -> 0\n'])
  assert.equal((await running.interrupt()).code, 0)
})
