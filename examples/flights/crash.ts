/**
 * Runs the demo, kills its process with SIGKILL at random moments, and starts it again.
 *
 * A kill waits for some commits since the last start, then for a phase, then a moment more. The phases take
 * turns, so that four kills hit each.
 */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import process from 'node:process'
import { seededRandom } from '../../src/testing/index.ts'
import { phases, type Phase } from './pipeline.ts'

export interface CrashOptions {
  readonly crashes: number
  readonly seed: number
  /** The most commits that a kill waits for. */
  readonly commitsMax: number
  /** Arguments of the demo, to resume where it was killed. */
  readonly args: readonly string[]
}

/** The exit code of a run that Ctrl-C has ended. */
const interrupted = 130

interface Kill {
  readonly phase: Phase
  /** Commits to wait for. */
  readonly commits: number
  readonly afterMs: number
}

/** Resolves to the exit code. */
export async function runWithCrashes({ crashes, seed, commitsMax, args }: CrashOptions): Promise<number> {
  const random = seededRandom(seed)
  console.log(`Killing the process ${crashes} times; seed ${seed} (--seed ${seed} does the same again).`)
  for (let n = 0; n < crashes; n += 1) {
    const kill: Kill = {
      phase: phases[n % phases.length] as Phase,
      commits: random.int(commitsMax + 1),
      afterMs: random.int(30),
    }
    const code = await run(args, kill)
    if (code === interrupted) return code
    if (code !== undefined) {
      console.error(`The run ended with ${code} before kill ${n + 1}. Give it more days, or fewer crashes.`)
      return code === 0 ? 1 : code
    }
    console.log(
      `\nKilled while ${kill.phase}, after ${kill.commits} commits or more (${n + 1} of ${crashes}); starting again.`,
    )
  }
  return (await run(args, undefined)) ?? 1
}

/** Runs the demo in a new process. Resolves to its exit code, or to undefined if it was killed. */
function run(args: readonly string[], kill: Kill | undefined): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, 'main.ts'), [...args], {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    })
    let commits = 0
    let armed = kill !== undefined
    child.on('message', message => {
      if (message === 'committed') commits += 1
      if (!armed || !kill || message !== kill.phase || commits < kill.commits) return
      armed = false
      setTimeout(() => child.kill('SIGKILL'), kill.afterMs)
    })
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(signal === 'SIGKILL' ? undefined : (code ?? 1)))
  })
}

/** Ctrl-C reaches the child, which leaves cleanly; this process waits for it. */
process.on('SIGINT', () => {})
