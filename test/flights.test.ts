/**
 * The demo on its first days: it is killed in every phase, or left by Ctrl-C and resumed, and its tables are
 * those of the batch answer.
 */
import { equal, match, ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { after, before, test } from 'node:test'
import { forSeeds } from './for-seeds.ts'
import { soak } from './scale.ts'

const main = join(import.meta.dirname, '..', 'examples', 'flights', 'main.ts')
/** Enough days for rows in each table, alerts included. */
const days = soak ? '30' : '12'
let data: string

before(async () => {
  data = await mkdtemp(join(tmpdir(), 'millrace-flights-'))
})
after(() => rm(data, { recursive: true, force: true }))

/** Runs the demo; sends SIGINT when it is in that phase and has committed something. */
function demo(
  args: readonly string[],
  interruptIn?: string,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    let output = ''
    const collect = (chunk: Buffer): void => {
      output += chunk.toString()
    }
    child.stdout!.on('data', collect)
    child.stderr!.on('data', collect)
    if (interruptIn !== undefined) {
      let hasCommitted = false
      child.on('message', function interrupt(what) {
        if (what === 'committed') hasCommitted = true
        if (!hasCommitted || what !== interruptIn) return
        child.off('message', interrupt)
        child.kill('SIGINT')
      })
    }
    child.on('error', reject)
    child.on('close', code => resolve({ code, output }))
  })
}

test('a demo that is killed in every phase loses and doubles nothing', { timeout: 150_000 }, () =>
  forSeeds(1, async (_, seed) => {
    const { code, output } = await demo([
      '--days',
      days,
      '--crash',
      '4',
      '--seed',
      String(seed),
      '--data',
      join(data, 'crash'),
    ])
    equal(code, 0, output)
    for (const phase of ['publishing', 'processing', 'committing', 'loading'])
      match(output, new RegExp(`Killed while ${phase}`))
    match(output, /[1-9]\d* alerts\n/)
    match(output, /Every row is identical/)
  }),
)

test(
  'a demo that is left by Ctrl-C continues where it was, and one started again begins from scratch',
  { timeout: 100_000 },
  async () => {
    const args = ['--days', soak ? '30' : '6', '--data', join(data, 'resume')]
    const left = await demo(args, 'processing')
    equal(left.code, 130, left.output)
    match(left.output, /Left cleanly/)

    const resumed = await demo([...args, '--resume'])
    equal(resumed.code, 0, resumed.output)
    match(resumed.output, /Every row is identical/)
    const processed = (text: string): number =>
      Number(/([\d,]+) records in/.exec(text)?.[1]?.replaceAll(',', ''))
    ok(processed(resumed.output) > 0)

    const again = await demo(args.with(1, '1'))
    equal(again.code, 0, again.output)
    match(again.output, /Every row is identical/)
    ok(processed(again.output) < processed(resumed.output))
  },
)

test('an invalid option is refused with the valid ones', async () => {
  for (const args of [['--days', '0'], ['--crash', 'often'], ['--bogus']]) {
    const { code, output } = await demo(args)
    equal(code, 2, output)
    match(output, /--(days|crash)/)
  }
})
