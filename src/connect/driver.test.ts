import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '../base/index.ts'
import { loadDriver } from './driver.ts'

test('a driver that is not installed is named, with how to install it', async () => {
  const name: string = 'no-such-driver'
  const load = (): Promise<unknown> => import(name)
  await assert.rejects(
    loadDriver('no-such-driver', 'The sink', load),
    error => isMillraceError(error, 'MISSING_DRIVER') && error.message.includes('npm install no-such-driver'),
  )
})

test('so is one whose binary for this platform is not', async () => {
  const load = (): Promise<unknown> =>
    Promise.reject(Object.assign(new Error('x'), { code: 'MODULE_NOT_FOUND' }))
  await assert.rejects(loadDriver('driver', 'The sink', load), error =>
    isMillraceError(error, 'MISSING_DRIVER'),
  )
})

test('another failure stays what it is', async () => {
  const broken = new TypeError('broken')
  await assert.rejects(
    loadDriver('driver', 'The sink', () => Promise.reject(broken)),
    broken,
  )
})
