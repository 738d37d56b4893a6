/**
 * Queries of Nexmark in millrace, Kafka Streams and Flink, over the same batches, exactly once. Results must
 * be DuckDB's before a figure counts: CPU seconds of the engine's process, from its start until its results
 * are committed.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual, styleText } from 'node:util'
import { isBid } from '../../../test/nexmark/events.ts'
import { type Loop, loops } from '../../nexmark-loops.ts'
import { type RowsDigest, RowsDigester } from '../../nexmark-rows.ts'
import { startTheirs } from '../brokers.ts'
import { type Engine, flink, kafkaStreams, millrace, type Source } from './engines.ts'
import { expectedResults } from './expected.ts'
import { isCounted, loadInput, writeInput } from './input.ts'

/** Events. Two sizes tell what a record costs, without the start of the process. */
const [small, large] = [100_000, 500_000]
/** How many times as many, without the bids, for queries that read none. */
const withoutBids = 5
const runMsMax = 120_000
const pollMs = 20
/** A row too many comes soon after the others. */
const surplusMs = 300
/** How many times our CPU seconds those of Kafka Streams and of Flink must be. */
const targets = [3, 1.5] as const
const figureWidth = 14

/** In Kafka Streams q5 gives changes of a table, of which the last ones count. */
const allQueries = loops.map((loop): Loop =>
  loop.query === 'q5' ? { ...loop, keyOf: ([start = '']) => start } : loop,
)
export const nexmarkNames: readonly string[] = allQueries.map(({ query }) => `nexmark ${query}`)

/** Runs the queries that have one of these names. Returns how many missed a target. */
export async function nexmark(names: readonly string[]): Promise<number> {
  const chosen = allQueries.filter(({ query }) => names.includes(`nexmark ${query}`))
  if (chosen.length === 0) return 0
  const engines = [millrace, kafkaStreams(), flink()]
  try {
    const [few, many] = [await measured(chosen, engines, small), await measured(chosen, engines, large)]
    const engineNames = engines.map(({ name }) => name)
    const wanted = targets.map(target => `≥ ${target}`)
    console.log(
      cells(['CPU s', ...engineNames, ...wanted, ...engineNames.map(() => 'µs a record'), 'ratio', 'ratio']),
    )
    return chosen.filter(({ query }) => !print(query, few.get(query)!, many.get(query)!)).length
  } finally {
    for (const engine of engines) engine.remove()
  }
}

interface Measured {
  /** That the query reads. */
  readonly records: number
  /** By engine. */
  readonly cpuSeconds: readonly number[]
}

/** Runs all queries, each over what it reads of the events. */
async function measured(
  queries: readonly Loop[],
  engines: readonly Engine[],
  events: number,
): Promise<ReadonlyMap<string, Measured>> {
  const readsBids = ({ reads }: Loop): boolean => reads.includes('bids')
  return new Map([
    ...(await measuredOver(events, () => true, queries.filter(readsBids), engines)),
    ...(await measuredOver(
      events * withoutBids,
      id => !isBid(id),
      queries.filter(query => !readsBids(query)),
      engines,
    )),
  ])
}

async function measuredOver(
  events: number,
  wanted: (id: number) => boolean,
  queries: readonly Loop[],
  engines: readonly Engine[],
): Promise<ReadonlyMap<string, Measured>> {
  if (queries.length === 0) return new Map()
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-nexmark-'))
  const data = join(folder, 'log')
  const broker = await startTheirs('os')
  const { address } = broker
  try {
    const counts = await writeInput(data, events, wanted)
    await loadInput(data, address)
    const expected = await expectedResults(folder, events, wanted, queries)
    const results = new Map<string, Measured>()
    for (const loop of queries) {
      const cpuSeconds = []
      for (const engine of engines)
        cpuSeconds.push(await run(engine, loop, events, expected.get(loop.query)!, { data, address }))
      const records = loop.reads.reduce((sum, name) => sum + counts[name], 0)
      results.set(loop.query, { records, cpuSeconds })
    }
    return results
  } finally {
    await broker.remove()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The CPU seconds of a query, once its results are whole. */
async function run(
  engine: Engine,
  { query, keyOf }: Loop,
  events: number,
  expected: RowsDigest,
  source: Source,
): Promise<number> {
  const running = await engine.start(query, source)
  const rows = new RowsDigester(keyOf)
  const areWhole = async (): Promise<boolean> => {
    await running.read(row => {
      if (isCounted(row, events)) rows.add(row)
    })
    return isDeepStrictEqual(rows.result(), expected)
  }
  try {
    const deadline = performance.now() + runMsMax
    while (!(await areWhole())) {
      if (!running.program.isRunning || performance.now() > deadline)
        throw new Error(
          `${engine.name} gives ${JSON.stringify(rows.result())} for ${query}, not ${JSON.stringify(expected)}. It said: ${running.program.said}`,
        )
      await sleep(pollMs)
    }
    const cpuSeconds = running.program.cpuSeconds()
    await sleep(surplusMs)
    if (!(await areWhole())) throw new Error(`${engine.name} gives more than the results of ${query}.`)
    return cpuSeconds
  } finally {
    await running.kill()
  }
}

/** Prints CPU seconds of the larger size, and microseconds a record. Whether all targets are reached. */
function print(query: string, few: Measured, many: Measured): boolean {
  const ratios = ratiosOf(many.cpuSeconds)
  const perRecord = many.cpuSeconds.map(
    (seconds, engine) => ((seconds - few.cpuSeconds[engine]!) / (many.records - few.records)) * 1e6,
  )
  const figures = [...many.cpuSeconds, ...ratios, ...perRecord, ...ratiosOf(perRecord)]
  const isReached = ratios.every((ratio, n) => ratio >= targets[n]!)
  const row = cells([`nexmark ${query}`, ...figures.map(figure => figure.toFixed(2))])
  console.log(styleText(isReached ? 'green' : 'red', row))
  return isReached
}

/** The figures of the others over ours. */
function ratiosOf([ours = 0, ...others]: readonly number[]): number[] {
  return others.map(theirs => theirs / ours)
}

function cells([name = '', ...figures]: readonly string[]): string {
  return name.padEnd(11) + figures.map(cell => cell.padStart(figureWidth)).join('')
}
