/** A program: millrace's processor runs a query over the topics of a log, and says when it has. */
import process from 'node:process'
import { createApp, json, openLog, topic } from '../../../src/index.ts'
import { queries } from '../../../test/nexmark/queries.ts'
import type { Row } from '../../../test/nexmark/topics.ts'

const [, , data = '', name = '', results = ''] = process.argv
const log = await openLog(data)
const app = createApp(results)
const { build } = queries.find(query => query.name.startsWith(`${name}:`))!
build(app, topic(results, { key: json<unknown>(), value: json<Row>(), partitions: 1 }))
await app.run({ log, until: 'end', commitInterval: '100ms' })
await log.close()
console.log('done')
// Until it is killed, so that its CPU time can be read.
process.stdin.resume()
