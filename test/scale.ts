/**
 * The size of a randomised test: `npm run test:soak` (SOAK=1) runs its full count, `npm test` a tenth of it,
 * and `npm run check` (QUICK=1) a fortieth.
 */
export const soak: boolean = process.env['SOAK'] === '1'
export const quick: boolean = process.env['QUICK'] === '1'
const part = soak ? 1 : quick ? 40 : 10

/** How many of a loop over everything, as each call of a disk, are one step: `npm run check` takes some. */
export const stride: number = quick ? 4 : 1

/** The count to run if `full` is the count of a soak run. */
export function scale(full: number): number {
  return Math.ceil(full / part)
}
