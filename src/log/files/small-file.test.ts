import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '../../base/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { readFile, removeIfThere, replaceFile, writeFile } from './small-file.ts'

const calls: Record<string, (disk: SimulatedDisk) => Promise<unknown>> = {
  read: disk => readFile(disk, '/d/a'),
  write: disk => writeFile(disk, '/d/a', Buffer.from('x')),
  replace: disk => replaceFile(disk, '/d', 'a', Buffer.from('x')),
  remove: disk => removeIfThere(disk, '/d/a'),
}

test('whatever call to the disk fails, the error has a code of millrace and names the file', async () => {
  for (const [name, call] of Object.entries(calls))
    for (const [kind, code] of [
      ['EIO', 'DISK_FAILED'],
      ['ENOSPC', 'DISK_FULL'],
    ] as const)
      for (let n = 1; ; n += 1) {
        const disk = new SimulatedDisk()
        disk.setContent('/d/a', Buffer.from('before'))
        disk.failCall({ call: n, kind, times: 'once' })
        const error = await call(disk).then(
          () => undefined,
          (failure: unknown) => failure,
        )
        if (error === undefined) {
          ok(n > 1, name)
          break
        }
        ok(isMillraceError(error, code), `${name}, ${kind} at call ${n}`)
        ok(error.message.includes('/d/a'), error.message)
      }
})

test('a file that is not there is undefined, and can be removed', async () => {
  const disk = new SimulatedDisk()
  equal(await readFile(disk, '/a'), undefined)
  await removeIfThere(disk, '/a')
})
