/**
 * kill -9, again and again, of a process that publishes and processes; then the checker.
 *
 * A kill counts only if something was committed since the previous kill, and kills are spread over the
 * phases. The checker reads the result: nothing lost, doubled, aborted but read, or out of order per key;
 * outputs that match the input; no transaction left open.
 */
import { equal, ok } from 'node:assert/strict'
import { fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeDisk, systemClock, systemRandom } from '../../src/base/index.ts'
import { InProcessLog } from '../../src/broker/index.ts'
import { createLog } from '../../src/port/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { scale } from '../scale.ts'
import { checkCounts } from './checker.ts'
import { housekeeping, keys, type Phase } from './program.ts'

const phases: readonly Phase[] = ['publishing', 'publish-committing', 'processing', 'committing', 'committed']

/**
 * Starts the worker and kills it in `phase`, some moments after a commit; undefined lets it finish. Returns
 * whether it was killed.
 */
function run(
  folder: string,
  total: number,
  kill: { phase: Phase; afterMs: number; progress: number } | undefined,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const worker = fork(join(import.meta.dirname, 'worker.ts'), [folder, String(total)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    let progress = 0
    let armed = kill !== undefined
    let done = false
    worker.on('message', message => {
      if (message === 'committed') progress += 1
      if (message === 'done') done = true
      if (!armed || !kill || progress < kill.progress || message !== kill.phase) return
      armed = false
      setTimeout(() => worker.kill('SIGKILL'), kill.afterMs)
    })
    worker.on('exit', (code, signal) => {
      if (signal === 'SIGKILL') resolve(true)
      else if (code === 0 && done) resolve(false)
      else reject(new Error(`the worker ended with ${signal ?? code}`))
    })
  })
}

test('a process that is killed at any moment loses and doubles nothing', () =>
  forSeeds(1, async random => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-kill-'))
    try {
      const kills = scale(100)
      const landed = new Map<Phase, number>()
      let total = 0
      for (let n = 0; n < kills;) {
        total += 150
        const phase = phases[n % phases.length] as Phase
        const killed = await run(folder, total, {
          phase,
          afterMs: random.int(4),
          progress: 1 + random.int(5),
        })
        if (!killed) continue // The worker finished before the kill: repeat with more work.
        landed.set(phase, (landed.get(phase) ?? 0) + 1)
        n += 1
      }
      equal(await run(folder, total, undefined), false)
      for (const phase of phases) ok((landed.get(phase) ?? 0) > 0, `killed while ${phase}`)
      await check(folder, total)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }))

async function check(folder: string, total: number): Promise<void> {
  const port = await InProcessLog.open(folder, {
    disk: nodeDisk,
    clock: systemClock,
    random: systemRandom,
    configs: housekeeping,
  })
  await using log = createLog(port, systemClock)
  const half = (total * keys.length) / 2
  let left = await checkCounts(log, total)
  ok(left.retained < half, `retention has left ${left.retained} of ${total * keys.length}`)
  // Compaction has its turns beside the rest, and may be behind. If it does nothing, the test never ends.
  while (left.compacted >= half) {
    await sleep(20)
    left = await checkCounts(log, total)
  }
}
