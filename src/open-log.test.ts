/** The folders and options that openLog accepts, and those that it refuses before it uses the disk. */
import { deepEqual, rejects, throws } from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { ErrorCode } from './base/index.ts'
import { openLog } from './open-log.ts'
import { text, topic } from './schema/index.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-open-'))
after(() => rmSync(root, { recursive: true }))

function refuses(args: readonly unknown[], about: RegExp, code: ErrorCode = 'INVALID_ARGUMENT'): void {
  test(`openLog(${args.map(arg => (arg instanceof URL ? arg.href : JSON.stringify(arg))).join(', ')}) is refused`, async () => {
    const call = openLog as (...given: readonly unknown[]) => Promise<unknown>
    await rejects(call(...args), { name: 'MillraceError', code, message: about })
  })
}

const folder = join(root, 'never')
refuses([''], /path of a folder.*got ''/)
refuses(['  '], /path of a folder/)
refuses([null], /path of a folder.*null/)
refuses([8], /path of a folder.*8/)
refuses(['a\0b'], /path of a folder/)
refuses([{ durability: 'os' }], /openLog\(folder, options\)/)
refuses(['kafka://localhost:9092'], /kafka:/)
refuses([new URL('https://example.org/data')], /https:/)
refuses([new URL('file://elsewhere/data')], /file:\/\/elsewhere/)
refuses([folder, { durabilty: 'os' }], /'durabilty'.*'durability'/)
refuses([folder, { durability: 'fsync' }], /'durability'.*'sync' or 'os'.*'fsync'/)
refuses([folder, { configs: { 'log.segment.bytes': '1GB' } }], /'log.segment.bytes'.*'1GB'/, 'INVALID_CONFIG')
refuses([folder, { configs: { 'log.segment.bytes': 0 } }], /'log.segment.bytes'/, 'INVALID_CONFIG')
refuses([folder, { configs: { 'log.retention.hour': 1 } }], /'log.retention.hours'/, 'INVALID_CONFIG')
refuses([folder, { onFatal: 'exit' }], /'onFatal'.*function/)
refuses([folder, { readOnly: 1 }], /'readOnly'.*true or false/)
refuses([folder, { readOnly: true, durability: 'os' }], /'durability' of openLog with readOnly/)
refuses(
  [folder, { readOnly: true }],
  /never.*(no such|missing|not there|cannot be|list)/i,
  'DATA_DIR_UNREADABLE',
)
refuses([folder, 'os'], /options of openLog.*'os'/)
test('a refused call creates no folder', () => deepEqual(existsSync(folder), false))

for (const [name, given] of [
  ['a path', join(root, 'a path')],
  ['a file URL', pathToFileURL(join(root, 'by url'))],
  ['the text of a file URL', pathToFileURL(join(root, 'by text of url')).href],
] as const)
  test(`${name} names the folder`, async () => {
    await using log = await openLog(given, { configs: { 'log.retention.bytes': -1 } })
    await log.createTopic('t')
    const path = name === 'a path' ? 'a path' : name === 'a file URL' ? 'by url' : 'by text of url'
    deepEqual(existsSync(join(root, path, 't-0')), true)
  })

test('a read-only log opens beside its writer, and refuses to publish', async () => {
  const path = join(root, 'in use')
  await using log = await openLog(path)
  await log.createTopic('t')
  await using looking = await openLog(path, { readOnly: true })
  deepEqual(
    (await looking.topics()).map(({ name }) => name),
    ['t'],
  )
  throws(() => looking.producer(topic('t', { value: text() })), {
    code: 'READ_ONLY',
    message: /in use.*readOnly/,
  })
})

test('refuses a file as a folder, and names it', async () => {
  const file = join(root, 'file.txt')
  writeFileSync(file, 'mine')
  await rejects(openLog(file), { name: 'MillraceError', code: 'DATA_DIR_UNREADABLE', message: /file\.txt/ })
  await rejects(openLog(join(file, 'data')), { name: 'MillraceError', message: /file\.txt/ })
})
