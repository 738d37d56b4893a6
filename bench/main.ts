/**
 * `npm run bench`, or `npm run bench -- ysb` for some: ratios, with the results checked first.
 * docs/benchmarks.md explains the rows.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { styleText } from 'node:util'
import { appendRead } from './append-read.ts'
import type { Benchmark } from './benchmark.ts'
import { rssBytesMax, runDemo } from './demo.ts'
import { growthBytesMax, growthOf } from './memory.ts'
import { measure, rounds, type Measurement } from './measure.ts'
import { nexmark } from './nexmark.ts'
import { state } from './state.ts'
import { ysb } from './ysb.ts'

const benchmarks: readonly Benchmark[] = [appendRead, state, ysb, nexmark]
const demo = 'demo'
const names = [...benchmarks.map(({ name }) => name), demo]
const wanted = process.argv.slice(2)
const unknown = wanted.find(name => !names.includes(name))
if (unknown !== undefined) {
  console.error(`Unknown benchmark '${unknown}'. It must be one of ${names.join(', ')}.`)
  process.exit(2)
}
const chosen = (name: string): boolean => wanted.length === 0 || wanted.includes(name)

let missed = 0
console.log(`Node ${process.version}, ${availableParallelism()} CPUs, medians of ${rounds} rounds`)
const ratios = benchmarks.filter(({ name }) => chosen(name))
if (ratios.length > 0) console.log(row(['', 'records/s', 'theirs', 'CPU s/M', 'theirs', 'ratio', 'reach']))
for (const { name, prepare } of ratios)
  await inFolder(name, async folder => {
    const { workloads, flat = [], dispose } = await prepare(folder)
    try {
      for (const workload of workloads) for (const measured of await measure(workload)) print(measured)
      for (const { name: what, run } of flat) {
        const growth = await growthOf(run)
        verdict(
          growth <= growthBytesMax,
          `${what}: memory grew by ${mebibytes(growth)} (at most ${mebibytes(growthBytesMax)})`,
        )
      }
    } finally {
      await dispose()
    }
  })
if (chosen(demo))
  await inFolder(demo, async folder => {
    const { records, seconds, peakRssBytes, checked } = await runDemo(folder)
    const words = `${thousands(records / seconds)} records/s of ${thousands(records)}, peak ${mebibytes(peakRssBytes)} resident (at most ${mebibytes(rssBytesMax)})`
    verdict(
      checked && peakRssBytes <= rssBytesMax,
      `demo: ${words}, results ${checked ? 'checked' : 'NOT CHECKED'}`,
    )
  })
if (missed > 0) {
  console.log(`${missed} out of reach`)
  process.exitCode = 1
}

function print({ comparison, ours, theirs, ratio }: Measurement): void {
  const { name, reach } = comparison
  const cells = [
    name,
    thousands(ours.perSecond),
    thousands(theirs.perSecond),
    ours.cpuPerMillion.toFixed(2),
    theirs.cpuPerMillion.toFixed(2),
    ratio.toFixed(2),
    reach.toFixed(2),
  ]
  verdict(ratio >= reach, row(cells))
  console.log(`    ${comparison.ours.name}\n    against ${comparison.theirs.name}`)
  const note = comparison.ours.note?.()
  if (note !== undefined) console.log(`    ${note}`)
}

function verdict(held: boolean, line: string): void {
  if (!held) missed += 1
  console.log(styleText(held ? 'green' : 'red', line))
}

async function inFolder(name: string, work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), `millrace-bench-${name}-`))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function row(cells: readonly string[]): string {
  const [name = '', ...figures] = cells
  return name.padEnd(32) + figures.map(cell => cell.padStart(10)).join('')
}

function thousands(n: number): string {
  return `${Math.round(n / 1000).toLocaleString('en')}k`
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`
}
