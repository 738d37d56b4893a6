import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { CommitGate } from './commit-gate.ts'

test('a join waits for commits, and commits wait for the sync, in their order', async () => {
  const gate = new CommitGate()
  const done: string[] = []
  const first = Promise.withResolvers<void>()
  const commits = [gate.run(() => first.promise.then(() => void done.push('first')))]
  const closing = gate.close().then(() => void done.push('closed'))
  commits.push(
    gate.run(async () => void done.push('second')),
    gate.run(async () => void done.push('third')),
  )
  first.resolve()
  await closing
  deepEqual(done, ['first', 'closed'])
  gate.open()
  deepEqual(done, ['first', 'closed', 'second', 'third'])
  await Promise.all(commits)
})

test('commits are refused until the gate opens again', async () => {
  const gate = new CommitGate()
  await gate.close()
  const waiting = gate.run(async () => 1)
  gate.refuse(new Error('full'))
  await rejects(waiting, /full/)
  await rejects(
    gate.run(async () => 1),
    /full/,
  )
  gate.open()
  equal(await gate.run(async () => 2), 2)
})

test('a commit that fails lets a join begin', async () => {
  const gate = new CommitGate()
  const failing = gate.run(() => Promise.reject(new Error('no')))
  const closing = gate.close()
  await rejects(failing, /no/)
  await closing
})
