/** `npm run bench`, or `npm run bench -- ysb` for some: ratios, with the results checked first. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { styleText } from 'node:util'
import { appendRead } from './append-read.ts'
import type { Benchmark } from './benchmark.ts'
import { measure } from './measure.ts'
import { ysb } from './ysb.ts'

const benchmarks: readonly Benchmark[] = [appendRead, ysb]
const wanted = process.argv.slice(2)
const chosen = wanted.length === 0 ? benchmarks : benchmarks.filter(({ name }) => wanted.includes(name))
if (chosen.length === 0) {
  console.error(
    `There is no benchmark '${wanted.join("', '")}': there are ${benchmarks.map(({ name }) => name).join(', ')}.`,
  )
  process.exit(2)
}

const columns = [44, 12, 12, 10, 10, 8, 7]
const row = (cells: readonly string[]): string =>
  cells.map((cell, i) => (i === 0 ? cell.padEnd(columns[i]!) : cell.padStart(columns[i]!))).join('')
console.log(row(['median of 5 pairs', 'records/s', 'theirs', 'CPU s/M', 'theirs', 'ratio', 'reach']))
let missed = 0
for (const benchmark of chosen) {
  const folder = await mkdtemp(join(tmpdir(), `millrace-bench-${benchmark.name}-`))
  try {
    const { comparisons, dispose } = await benchmark.prepare(folder)
    for (const comparison of comparisons) {
      const { name, ours, theirs, ratio, reach } = await measure(comparison)
      const held = ratio >= reach
      if (!held) missed += 1
      const cells = [
        name,
        thousands(ours.perSecond),
        thousands(theirs.perSecond),
        ours.cpuPerMillion.toFixed(2),
        theirs.cpuPerMillion.toFixed(2),
        ratio.toFixed(2),
        reach.toFixed(2),
      ]
      console.log(styleText(held ? 'green' : 'red', row(cells)))
      console.log(`  against ${theirs.name}`)
    }
    await dispose?.()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
if (missed > 0) {
  console.log(`${missed} below reach`)
  process.exitCode = 1
}

function thousands(n: number): string {
  return `${Math.round(n / 1000).toLocaleString('en')}k`
}
