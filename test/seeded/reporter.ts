/**
 * A reporter for `node --test` that prints one line of JSON, for main.ts, for each test that failed by
 * itself.
 */
import { relative } from 'node:path'
import type { TestEvent } from 'node:test/reporters'

export interface FailedTest {
  readonly name: string
  readonly file: string
}

export default async function* failures(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type !== 'test:fail') continue
    const { failureType } = data.details.error as { failureType?: string }
    if (failureType === 'subtestsFailed') continue
    const failed: FailedTest = { name: data.name, file: relative(process.cwd(), data.file ?? '') }
    yield `${JSON.stringify(failed)}\n`
  }
}
