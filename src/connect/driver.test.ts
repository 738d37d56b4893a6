import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '../base/index.ts'
import { loadDriver } from './driver.ts'

test('names a driver that is not installed, and how to install it', async () => {
  const name: string = 'no-such-driver'
  const load = (): Promise<unknown> => import(name)
  await assert.rejects(
    loadDriver('no-such-driver', 'The sink', load),
    error => isMillraceError(error, 'MISSING_DRIVER') && error.message.includes('npm install no-such-driver'),
  )
})

test('names a driver without a binary for this platform', async () => {
  const load = (): Promise<unknown> =>
    Promise.reject(Object.assign(new Error('x'), { code: 'MODULE_NOT_FOUND' }))
  await assert.rejects(loadDriver('driver', 'The sink', load), error =>
    isMillraceError(error, 'MISSING_DRIVER'),
  )
})

test('passes on any other error', async () => {
  const broken = new TypeError('broken')
  await assert.rejects(
    loadDriver('driver', 'The sink', () => Promise.reject(broken)),
    broken,
  )
})
