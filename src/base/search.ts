/** Binary search, written once. */

/**
 * The first of `count` sorted places at which `isReached` holds; it must hold for all later ones. `count` if
 * it holds for none.
 */
export function firstWhere(count: number, isReached: (place: number) => boolean): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isReached(middle)) high = middle
    else low = middle + 1
  }
  return low
}
