/**
 * The conformance suite of LogPort: what stream, connect and every program may rely on, whichever log is
 * behind the port.
 *
 * A door of its own, for `testing` and for tests: nothing of it is loaded in production. It belongs to no
 * test runner; an implementation passes it in a few lines.
 *
 * @example
 * const make = async () => {
 *   const port = await openSomehow()
 *   return { port, advance: ms => systemClock.sleep(ms), dispose: () => port.close() }
 * }
 * for (const { name, run } of logPortConformance({ make })) test(name, run)
 */
import { groupCases } from './groups.ts'
import { Harness, type PortUnderTest } from './harness.ts'
import { readingCases } from './reading.ts'
import { topicCases } from './topics.ts'
import { transactionCases } from './transactions.ts'

export type { PortUnderTest } from './harness.ts'

/** The cases of one area, by what they show. */
export type Cases = Record<string, (h: Harness) => Promise<void>>

/** What the suite is run against. */
export interface LogPortConformance {
  /** Makes a port; called once for each case. */
  readonly make: () => Promise<PortUnderTest>
  /**
   * Topics and groups are named after it. A cluster that keeps what earlier runs left needs a new one each
   * time. Default `conformance`.
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
  /** The area, and what is shown. */
  readonly name: string
  /** Rejects with what is wrong. */
  readonly run: () => Promise<void>
}

const areas: Record<string, Cases> = {
  topics: topicCases,
  reading: readingCases,
  transactions: transactionCases,
  groups: groupCases,
}

/** The cases of the suite, for an implementation of `LogPort`: each makes a port of its own. */
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
