/** `produce`, `consume` and `topic`, as child processes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertRefused, temporaryFolder } from './millrace.ts'

test('produce turns lines into records, and consume turns records into lines', async t => {
  const folder = temporaryFolder(t)
  assert.deepEqual(await folder.run('produce words -k :', 'a:1\r\nb:2:3\n\u{1f600}:'), {
    code: 0,
    out: '',
    err: '3 records published to words.\n',
  })
  const { out } = await folder.run('consume words')
  assert.equal(out, 'a\t1\nb\t2:3\n\u{1f600}\t\n')
  assert.equal((await folder.run('consume words --from 1 --max 1')).out, 'b\t2:3\n')

  assert.equal((await folder.run('topic list')).out, 'words\t1 partition\n')
  assert.deepEqual(JSON.parse((await folder.run('topic describe words --json')).out), {
    partition: 0,
    start: 0,
    end: 3,
  })
})

test('a round trip through --json loses nothing', async t => {
  const folder = temporaryFolder(t)
  const lines = [
    '{"key":"DFW","value":"{\\"delay\\":42}","timestamp":992516400000}',
    '{"key":null,"value":null,"timestamp":992516400001}',
    '{"key":"","value":"line\\nfeed \\u0000","timestamp":0}',
    '{"keyBase64":"/w==","valueBase64":"gA==","timestamp":992516400002}',
    '{"value":"v","timestamp":992516400003,"headers":[{"key":"h","value":"x"},{"key":"h","value":null},{"key":"b","valueBase64":"/w=="}]}',
  ]
  await folder.run('produce first --json', lines.join('\n'))
  const { out } = await folder.run('consume first --json')
  const records = out.trimEnd().split('\n').map(parse)
  assert.deepEqual(
    records,
    lines.map(parse).map((fields, offset) => ({
      partition: 0,
      offset,
      ...('keyBase64' in fields ? {} : { key: null }),
      ...fields,
    })),
  )
  await folder.run('produce second --json', out)
  assert.equal((await folder.run('consume second --json')).out, out)

  // A value that is not a string may be written as its JSON.
  await folder.run('produce third --json', '{"key":{"a":1},"value":[1,2]}\n{"value":7}\n')
  assert.equal((await folder.run('consume third')).out, '{"a":1}\t[1,2]\n7\n')
  assert.equal(
    (await folder.run('consume first --from 2001-06-14T11:00:00.002Z --json')).out,
    out.split('\n').slice(3).join('\n'),
  )
})

test('a group continues at its committed offset', async t => {
  const folder = temporaryFolder(t)
  await folder.run('produce numbers', '1\n2\n3\n4\n')
  assert.equal((await folder.run('consume numbers -g g -n 2')).out, '1\n2\n')
  assert.equal((await folder.run('consume numbers -g g --from 0')).out, '3\n4\n')
  assert.equal((await folder.run('consume numbers -g g')).out, '')
})

test('an error is one message and an exit code', async t => {
  const folder = temporaryFolder(t)
  assertRefused(
    await folder.run('produce t --json', '{"value":1}\n{'),
    1,
    'SOURCE_MALFORMED',
    /Line 2 .*not JSON/,
  )
  assertRefused(await folder.run('consume none'), 1, 'UNKNOWN_TOPIC', /'none'/)
  const { code, err } = await folder.run('consume t --max 0')
  assert.match(err, /^millrace: .*\n.*--help.*\n$/)
  assert.equal(code, 2)
})

function parse(line: string): Record<string, unknown> {
  return JSON.parse(line) as Record<string, unknown>
}
