/**
 * The size of a randomised test: `npm test` runs a tenth of the full count, `npm run test:soak` (SOAK=1) all
 * of it.
 */
export const soak: boolean = process.env['SOAK'] === '1'

/** The count to run if `full` is the count of a soak run. */
export function scale(full: number): number {
  return soak ? full : Math.ceil(full / 10)
}
