import { equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { MillraceError, type ErrorCode, systemCode } from '../../base/index.ts'
import { diskError, directoryError } from './disk-errors.ts'

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code })
}

test('what the system says of a file: which errors pass, and which are final', () => {
  const check = (code: string, expected: ErrorCode, retriable: boolean): void => {
    const error = diskError(systemError(code), 'appending to /data/flights-0/0.log')
    equal(error.code, expected)
    equal(error.retriable, retriable)
    match(error.message, /appending to \/data\/flights-0\/0\.log/)
    equal(systemCode(error.cause), code)
  }
  check('ENOSPC', 'DISK_FULL', true)
  check('EDQUOT', 'DISK_FULL', true)
  check('EMFILE', 'LIMIT_EXCEEDED', true)
  check('ENFILE', 'LIMIT_EXCEEDED', true)
  check('EACCES', 'DATA_DIR_UNREADABLE', false)
  check('EROFS', 'DATA_DIR_UNREADABLE', false)
  check('EIO', 'DISK_FAILED', false)
  check('EBADF', 'DISK_FAILED', false)
  const own = new MillraceError('CLOSED', 'closed')
  equal(diskError(own, 'closing'), own)
})

test('a directory is not blamed for a disk that is full or failing', () => {
  const check = (code: string, expected: ErrorCode): void =>
    equal(directoryError(systemError(code), '/data', 'listed').code, expected)
  check('ENOTDIR', 'DATA_DIR_UNREADABLE')
  check('ENOENT', 'DATA_DIR_UNREADABLE')
  check('EACCES', 'DATA_DIR_UNREADABLE')
  check('ENOSPC', 'DISK_FULL')
  check('EMFILE', 'LIMIT_EXCEEDED')
  check('EIO', 'DISK_FAILED')
})
