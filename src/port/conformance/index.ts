/**
 * The conformance suite of LogPort: what stream, connect and every program may rely on, whichever log is behind the port.
 *
 * For `node:test`, so it is exported for testing only. An implementation passes it in a few lines:
 *
 * @example
 * logPortConformance('in process', async () => {
 *   const port = await openSomehow()
 *   return { port, dispose: () => port.close() }
 * })
 */
import { describe, it } from 'node:test'
import { groupCases } from './groups.ts'
import { Harness, type PortUnderTest } from './harness.ts'
import { readingCases } from './reading.ts'
import { topicCases } from './topics.ts'
import { transactionCases } from './transactions.ts'

export type { PortUnderTest } from './harness.ts'

/** The cases, by what they show. */
export type Cases = Record<string, (h: Harness) => Promise<void>>

const suites: Record<string, Cases> = {
  topics: topicCases,
  reading: readingCases,
  transactions: transactionCases,
  groups: groupCases,
}

/** Declares the suite for one implementation; `makePort` is called for each case. */
export function logPortConformance(name: string, makePort: () => Promise<PortUnderTest>): void {
  // Names are unique over runs, since a cluster keeps what earlier ones left.
  const prefix = `conformance-${Date.now().toString(36)}`
  let cases = 0
  void describe(`LogPort: ${name}`, () => {
    for (const [suite, tests] of Object.entries(suites))
      for (const [what, run] of Object.entries(tests))
        void it(`${suite}: ${what}`, async context => {
          const under = await makePort()
          cases += 1
          try {
            if (what.startsWith('after a crash') && !under.crash)
              context.diagnostic('this port cannot crash on its own')
            else await run(new Harness(under, `${prefix}-${cases}`))
          } finally {
            await under.dispose()
          }
        })
  })
}
