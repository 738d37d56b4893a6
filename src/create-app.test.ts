/** Options of a run are checked at the call, before anything is opened. */
import { rejects, throws } from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import type { ErrorCode } from './base/index.ts'
import { createApp } from './create-app.ts'
import { json, topic } from './schema/index.ts'

const app = createApp('app')
app
  .stream(topic('in', { value: json<number>() }))
  .selectKey(String)
  .groupByKey()
  .count()

const log = { port: {}, onClose: () => {} }
const data = '/nonexistent/millrace'

for (const [options, about, code] of [
  [{ untill: 'end' }, /'untill'.*'until'/],
  [{ until: 'ever' }, /'until'.*'end' or 'now'.*'ever'/],
  [{ restart: 'yes' }, /'restart'.*true or false/],
  [{ guarantee: 'at-most-once' }, /'guarantee'.*'at-least-once'/],
  [{ commitInterval: 'often' }, /'commitInterval'.*'often'/, 'INVALID_DURATION'],
  [{ commitInterval: -1 }, /'commitInterval'.*-1/, 'INVALID_DURATION'],
  [{ alignment: true }, /'alignment'/, 'INVALID_DURATION'],
  [{ dirtyBytesMax: '1MB' }, /'dirtyBytesMax'/],
  [{ exchange: 'kafka' }, /'exchange'.*'memory' or 'topic'/],
  [{ onError: 'ignore' }, /onError.*ignore/],
  [{ onError: { deadletter: 'x' } }, /onError.*deadLetter/],
  [{ instance: 1 }, /'instance'/],
  [{ signal: true }, /'signal'.*AbortSignal/],
  [{ onPhase: 'log' }, /'onPhase'.*function/],
  [{ log: './data' }, /'log'.*openLog.*'\.\/data'/],
  [{ data: 7 }, /path of a folder.*7/],
  [{ data: '' }, /path of a folder/],
  [{ log, data }, /both the options log and data/],
  [log, /app\.run\(\{ log \}\)/],
  ['end', /options of the run.*'end'/],
  [null, /options of the run.*null/],
] as const satisfies readonly (readonly [unknown, RegExp, ErrorCode?])[])
  test(`run(${JSON.stringify(options)}) is refused`, async () => {
    const error = { name: 'MillraceError', code: code ?? 'INVALID_ARGUMENT', message: about }
    await rejects(app.run(options as never), error)
    throws(() => app.start(options as never), error)
  })

test('an app that reads nothing is refused before its log is opened', () => {
  throws(() => createApp('empty').start({ data }), {
    code: 'INVALID_TOPOLOGY',
    message: /app\.stream\(topic\)/,
  })
  throws(() => existsSync(data) || createApp('').start(), /createApp needs a name/)
})
