/**
 * `npm run bench:peers`, or `npm run bench:peers -- fetch` for some rows: millrace's broker against Apache
 * Kafka, on this machine, in turns, with one client for both. docs/benchmarks.md explains the rows.
 */
import { availableParallelism } from 'node:os'
import process from 'node:process'
import { styleText } from 'node:util'
import { startOurs, startTheirs, type BenchBroker, type Durability } from './brokers.ts'
import { deleteTopic } from './raw-client.ts'
import { rows, type Row, type Run } from './rows.ts'

/** Rounds that count, after one that does not. */
const rounds = 5

const parts = process.argv.slice(2)
const chosen = rows.filter(({ name }) => parts.length === 0 || parts.some(part => name.includes(part)))
if (chosen.length === 0) {
  console.error(
    `No row has '${parts.join("' or '")}' in its name. Rows: ${rows.map(({ name }) => name).join('; ')}.`,
  )
  process.exit(2)
}

let missed = 0
console.log(`Node ${process.version}, ${availableParallelism()} CPUs, medians of ${rounds} rounds`)
console.log(cells(['', 'a second', 'Kafka', 'ratio', 'reach', 'CPU ms', 'Kafka', 'ratio', 'at most']))
for (const durability of ['os', 'sync'] as const) {
  const ofDurability = chosen.filter(row => row.durability === durability)
  if (ofDurability.length > 0) await compare(ofDurability, durability)
}
if (missed > 0) {
  console.log(`${missed} out of reach`)
  process.exitCode = 1
}

async function compare(compared: readonly Row[], durability: Durability): Promise<void> {
  const [ours, theirs] = [await startOurs(durability), await startTheirs(durability)]
  console.log(`durability: ${durability}`)
  started(ours, theirs)
  try {
    for (const row of compared) print(row, await measure(row, ours, theirs))
    resident('after that', ours, theirs)
  } finally {
    await ours.stop()
    await theirs.stop()
  }
}

function started(ours: BenchBroker, theirs: BenchBroker): void {
  console.log(
    `    listening after ${ours.startMs.toFixed(0)} ms, Apache Kafka ${theirs.startMs.toFixed(0)} ms`,
  )
  resident('idle', ours, theirs)
}

function resident(when: string, ours: BenchBroker, theirs: BenchBroker): void {
  console.log(`    resident ${when}: ${mebibytes(ours)}, Apache Kafka ${mebibytes(theirs)}`)
}

type Pair = readonly [ours: Run, theirs: Run]

async function measure(row: Row, ours: BenchBroker, theirs: BenchBroker): Promise<Pair[]> {
  const pairs: Pair[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const topic = `${row.name.replaceAll(/\W+/g, '-')}-${round}`
    const done = new Map<BenchBroker, Run>()
    // Each goes first in every other round.
    for (const broker of round % 2 === 0 ? [ours, theirs] : [theirs, ours]) {
      done.set(broker, await row.run(broker, topic))
      // The disk would be full before the last row.
      await deleteTopic(broker.address, topic)
    }
    if (round > 0) pairs.push([done.get(ours)!, done.get(theirs)!])
  }
  return pairs
}

function print({ name, unit, speedMin, cpuMax }: Row, pairs: readonly Pair[]): void {
  const of = (figure: (pair: Pair) => number): number => median(pairs.map(figure))
  const speed = of(([ours, theirs]) => speedOf(ours) / speedOf(theirs))
  const cpu = of(([ours, theirs]) => cpuOf(ours) / cpuOf(theirs))
  const isReached = speed >= speedMin && cpu <= cpuMax
  if (!isReached) missed += 1
  const figures = [
    of(([ours]) => speedOf(ours)).toFixed(0),
    of(([, theirs]) => speedOf(theirs)).toFixed(0),
    speed.toFixed(2),
    speedMin.toFixed(2),
    of(([ours]) => cpuOf(ours)).toFixed(2),
    of(([, theirs]) => cpuOf(theirs)).toFixed(2),
    cpu.toFixed(2),
    cpuMax.toFixed(2),
  ]
  console.log(styleText(isReached ? 'green' : 'red', cells([`${name}, ${unit}`, ...figures])))
}

function speedOf({ units, seconds }: Run): number {
  return units / seconds
}

/** Milliseconds of the broker's CPU for a unit. */
function cpuOf({ units, cpuSeconds }: Run): number {
  return (cpuSeconds * 1000) / units
}

function cells([name = '', ...figures]: readonly string[]): string {
  return name.padEnd(38) + figures.map(cell => cell.padStart(9)).join('')
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!
}

function mebibytes(broker: BenchBroker): string {
  return `${Math.round(broker.residentBytes() / 1024 / 1024)} MiB`
}
