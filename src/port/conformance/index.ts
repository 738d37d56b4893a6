/**
 * The conformance suite of LogPort: the promises that stream, connect and every program rely on, with any
 * log.
 *
 * A separate door, for `testing` and for tests: nothing of it is loaded in production. It works with any test
 * runner; an implementation runs it in a few lines.
 *
 * @example
 * const make = async () => {
 *   const port = await openSomehow()
 *   return { port, advance: ms => systemClock.sleep(ms), dispose: () => port.close() }
 * }
 * for (const { name, run } of logPortConformance({ make })) test(name, run)
 */
import { adminCases } from './admin.ts'
import { argumentCases } from './arguments.ts'
import { compactionCases } from './compaction.ts'
import { groupCases } from './groups.ts'
import { Harness, type PortUnderTest } from './harness.ts'
import { readingCases } from './reading.ts'
import { topicCases } from './topics.ts'
import { transactionCases } from './transactions.ts'
import { visibilityCases } from './visibility.ts'

export type { PortUnderTest } from './harness.ts'

/** The cases of one area, by name. */
export type Cases = Record<string, (h: Harness) => Promise<void>>

/** The implementation under test. */
export interface LogPortConformance {
  /** Makes a port; called once for each case. */
  readonly make: () => Promise<PortUnderTest>
  /**
   * The prefix of topics and groups. A cluster that keeps the data of earlier runs needs a new one each time.
   * Default `conformance`.
   */
  readonly namePrefix?: string
  /**
   * Whether the ports can crash and be opened again ({@link PortUnderTest.crash}): the cases about that are
   * in only then.
   */
  readonly crashes?: boolean
}

/** One case, for any test runner. */
export interface ConformanceCase {
  /** The area, and the promise. */
  readonly name: string
  /** Rejects with the fault. */
  readonly run: () => Promise<void>
}

const areas: Record<string, Cases> = {
  admin: adminCases,
  arguments: argumentCases,
  topics: topicCases,
  reading: readingCases,
  compaction: compactionCases,
  visibility: visibilityCases,
  transactions: transactionCases,
  groups: groupCases,
}

/** The cases of the suite, for an implementation of `LogPort`: each makes its own port. */
export function logPortConformance({
  make,
  namePrefix = 'conformance',
  crashes = false,
}: LogPortConformance): ConformanceCase[] {
  return Object.entries(areas)
    .flatMap(([area, cases]) => Object.entries(cases).map(([what, run]) => ({ area, what, run })))
    .filter(({ what }) => crashes || !what.startsWith('after a crash'))
    .map(({ area, what, run }, index) => ({
      name: `${area}: ${what}`,
      run: async () => {
        const under = await make()
        try {
          await run(new Harness(under, `${namePrefix}-${index}`))
        } finally {
          await under.dispose()
        }
      },
    }))
}
