/** Sums values in windows, for the tests of windows and of sessions. */
import { z } from 'zod'
import { topic, windowed, type Topic, type Windowed } from '../../schema/index.ts'
import { testApp, type TestApp } from '../../testing/test-app.ts'
import { App } from './app.ts'
import type { EmitPolicy } from '../operators/emit-policy.ts'
import type { Pane } from '../operators/record.ts'
import type { Windows } from '../operators/windows.ts'

/** Its watermark is 10 below the largest timestamp. */
export const input: Topic<string, number> = topic('input', {
  key: z.string(),
  value: z.int(),
  watermark: { outOfOrderness: 10 },
})
export const output: Topic<Windowed<string>, number> = topic('output', {
  key: windowed(z.string()),
  value: z.int(),
})
const lateOutput = topic('late', { key: z.string(), value: z.int() })

export type Event = readonly [at: number, value: number, key?: string]

export interface Sums {
  readonly results: (readonly [start: number, end: number, sum: number | null, pane: Pane | undefined])[]
  /** Times of late records. */
  readonly late: number[]
  readonly driver: TestApp
}

/** Sums values in windows. Returns the results as [start, end, sum, pane], and the times of late records. */
export function run(windows: Windows, policy: EmitPolicy, events: readonly Event[], end = true): Sums {
  const app = new App('sums')
  const grouped = app.stream(input).groupByKey()
  const add = (sum: number, value: number): number => sum + value
  const sums =
    windows.kind === 'session'
      ? grouped.windowedBy(windows).aggregate(0, add, add)
      : grouped.windowedBy(windows).aggregate(0, add)
  sums.emit(policy).to(output)
  sums.late().to(lateOutput)
  const driver = testApp(app)
  for (const [timestamp, value, key = 'k'] of events) driver.input(input).push({ key, value, timestamp })
  if (end) driver.advanceTime(Number.POSITIVE_INFINITY)
  return {
    results: driver
      .output(output)
      .read()
      .map(({ key, value, pane }) => [key.start, key.end, value, pane] as const),
    late: driver
      .output(lateOutput)
      .read()
      .map(({ timestamp }) => timestamp),
    driver,
  }
}
