/** Rows over brokers that run: one of each kind serves all rows of a durability. */
import { startOurs, startTheirs, type BenchBroker, type Durability } from './brokers.ts'
import { compare, type Figures, type Side, type Target } from './compare.ts'
import { deleteTopic } from './raw-client.ts'

export interface BrokerRow {
  readonly name: string
  readonly durability: Durability
  readonly targets: readonly [Target, Target]
  /** Does the work of a round in a new topic, and checks the result. */
  run(broker: BenchBroker, topic: string, round: number): Promise<Figures>
}

/** Runs the rows of a durability, and returns how many missed a target. */
export async function compareRunning(rows: readonly BrokerRow[], durability: Durability): Promise<number> {
  if (rows.length === 0) return 0
  const brokers = { ours: await startOurs(durability), theirs: await startTheirs(durability) }
  let missed = 0
  try {
    for (const row of rows) {
      const run = async (side: Side, round: number): Promise<Figures> => {
        const topic = `${row.name.replaceAll(/\W+/g, '-')}-${round}`
        const figures = await row.run(brokers[side], topic, round)
        // The disk would be full before the last row.
        await deleteTopic(brokers[side].address, topic)
        return figures
      }
      if (!(await compare({ name: row.name, targets: row.targets, run }))) missed += 1
    }
  } finally {
    await brokers.ours.remove()
    await brokers.theirs.remove()
  }
  return missed
}
