/**
 * `npm run bench:peers`, or `npm run bench:peers -- fetch` for some rows: millrace's broker against Apache
 * Kafka, on this machine, in turns, with one client for both; then its processor against Kafka Streams and
 * Flink. docs/benchmarks.md explains the rows.
 */
import { availableParallelism } from 'node:os'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { compareRunning, type BrokerRow } from './broker-rows.ts'
import { buildOurs, type Durability } from './brokers.ts'
import { compare, printHead, rounds, type Comparison } from './compare.ts'
import { latency } from './latency.ts'
import { nexmark, nexmarkNames } from './nexmark/nexmark.ts'
import { recovery } from './recovery.ts'
import { start } from './start.ts'
import { throughput } from './throughput.ts'

const { positionals: parts, values } = parseArgs({
  allowPositionals: true,
  // The size of the log that is recovered.
  options: { gib: { type: 'string', default: '2' } },
})
const recovered = recovery(Number(values.gib))
const names = [
  ...[...throughput, ...latency, ...start, ...recovered].map(({ name }) => name),
  ...nexmarkNames,
]
const isChosen = ({ name }: { readonly name: string }): boolean =>
  parts.length === 0 || parts.some(part => name.includes(part))
if (!names.some(name => isChosen({ name }))) {
  console.error(`No row has '${parts.join("' or '")}' in its name. Rows: ${names.join('; ')}.`)
  process.exit(2)
}

console.log(`Node ${process.version}, ${availableParallelism()} CPUs, medians of ${rounds} rounds`)
buildOurs()
const missed =
  (await running(throughput, ['a second', 'CPU ms'])) +
  (await running(latency, ['p50 ms', 'p99 ms'])) +
  (await starting(start, ['first ms', 'MiB'])) +
  (await starting(recovered, ['first ms', 'CPU s'])) +
  (await nexmark(nexmarkNames.filter(name => isChosen({ name }))))
if (missed > 0) {
  console.log(`${missed} rows missed a target`)
  process.exitCode = 1
}

async function running(rows: readonly BrokerRow[], figures: readonly [string, string]): Promise<number> {
  const chosen = rows.filter(isChosen)
  if (chosen.length > 0) printHead(figures)
  let count = 0
  for (const durability of ['os', 'sync'] satisfies Durability[])
    count += await compareRunning(
      chosen.filter(row => row.durability === durability),
      durability,
    )
  return count
}

async function starting(rows: readonly Comparison[], figures: readonly [string, string]): Promise<number> {
  const chosen = rows.filter(isChosen)
  if (chosen.length > 0) printHead(figures)
  let count = 0
  for (const row of chosen) if (!(await compare(row))) count += 1
  return count
}
