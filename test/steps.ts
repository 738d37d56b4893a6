/**
 * Moments at which a test acts: after so many promises, and after turns of the event loop, in which writes of
 * a log begin.
 */
import { setImmediate } from 'node:timers/promises'

/** After so many promises comes a turn. */
const promisesPerTurn = 8

/** Lets so many steps pass. */
export async function steps(count: number): Promise<void> {
  for (let step = 1; step <= count; step += 1)
    await (step % promisesPerTurn === 0 ? setImmediate() : Promise.resolve())
}
