import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { systemCode } from './system-code.ts'

test('system errors are known by their code, also those of another realm', () => {
  const foreign: unknown = runInNewContext("Object.assign(new Error('gone'), { code: 'ENOENT' })")
  const own = Object.assign(new Error('gone'), { code: 'EIO' })
  const others = [new Error('a bug'), undefined, null, 'EIO', Object.assign(new Error('x'), { code: 7 })]
  deepEqual([foreign, own, ...others].map(systemCode), ['ENOENT', 'EIO', ...others.map(() => undefined)])
})
