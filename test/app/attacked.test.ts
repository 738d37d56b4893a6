/**
 * After any damage to its folder, an app gives the numbers of an undisturbed run, or refuses (attacks.ts).
 */
import { ok } from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../src/base/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { scale, soak } from '../scale.ts'
import {
  type Act,
  acts,
  type Attack,
  check,
  describeCase,
  type History,
  historyOf,
  type Outcome,
  programs,
  type ProgramName,
  targetsOf,
  type Way,
} from './attacks.ts'

const exactly = 'exactly-once'
const atLeast = 'at-least-once'

/**
 * Attacks that were once not noticed, by the file that they damage: the program, and for some the expected
 * outcome.
 */
const rows: readonly [
  name: string,
  way: Way,
  target: RegExp,
  acts: readonly Act[],
  outcomes: readonly Outcome[],
][] = [
  [
    'an input is cut off after what was processed, and written to again',
    { program: 'count', exchange: 'memory', guarantee: exactly },
    /^input-/,
    ['cut and repair', 'flip and repair', 'restore and repair'],
    ['STATE_INCOMPATIBLE', 'OFFSET_OUT_OF_RANGE'],
  ],
  [
    'an input of an app without state is cut off, and written to again',
    { program: 'stateless', exchange: 'memory', guarantee: exactly },
    /^input-/,
    ['cut and repair', 'restore and repair'],
    ['STATE_INCOMPATIBLE', 'OFFSET_OUT_OF_RANGE'],
  ],
  [
    'records on their way to the next stage are cut off',
    { program: 'count', exchange: 'topic', guarantee: exactly },
    /-repartition-/,
    ['cut and repair', 'flip and repair'],
    ['STATE_INCOMPATIBLE'],
  ],
  [
    'records on their way to the next stage are cut off, at least once',
    { program: 'window', exchange: 'topic', guarantee: atLeast },
    /-repartition-/,
    ['cut and repair', 'flip and repair'],
    ['STATE_INCOMPATIBLE'],
  ],
  [
    'at least once, offsets are older than the state: it goes back to them',
    { program: 'window', exchange: 'memory', guarantee: atLeast },
    /^__consumer_offsets/,
    ['restore with checkpoints'],
    ['right'],
  ],
  [
    'at least once, offsets are older than what the next stage was told',
    { program: 'window', exchange: 'topic', guarantee: atLeast },
    /^__consumer_offsets/,
    ['restore with checkpoints'],
    ['STATE_INCOMPATIBLE'],
  ],
  [
    'the transaction log is older than what partitions know of its producers',
    { program: 'count', exchange: 'memory', guarantee: exactly },
    /^__transaction_state/,
    ['restore with checkpoints'],
    ['right'],
  ],
]

for (const [name, way, target, actions, outcomes] of rows)
  test(name, async () => {
    const history = await historyOf(way)
    const attacks = attacksOn(history, actions).filter(attack => target.test(attack.target))
    await forSeeds(
      10,
      (_, seed) => outcomesOf(history, attacks, seed, true),
      results => {
        const found = new Set(results.flat())
        for (const outcome of outcomes) ok(found.has(outcome), `${outcome} among ${[...found].join(', ')}`)
      },
    )
  })

const ways = (Object.keys(programs) as ProgramName[]).flatMap(program =>
  (['memory', 'topic'] as const).flatMap(exchange =>
    ([exactly, atLeast] as const).map((guarantee): Way => ({ program, exchange, guarantee })),
  ),
)

test('with each file and folder deleted, restored, cut, flipped or repaired, an app is right or refuses', () =>
  forSeeds(1, async random => {
    // All of them in the soak; otherwise a few for some of the programs.
    const chosen = soak ? ways : Array.from({ length: 2 }, () => ways[random.int(ways.length)] as Way)
    for (const way of chosen) {
      const history = await historyOf(way)
      const all = attacksOn(history, acts)
      const attacks = soak ? all : Array.from({ length: 15 }, () => all[random.int(all.length)] as Attack)
      const found = new Set(await outcomesOf(history, attacks, random.int(1000)))
      ok(found.size > 1, [...found].join(', '))
    }
  }))

test('with several attacks at once, an app is right or refuses', () =>
  forSeeds(10, async random => {
    const history = await historyOf(ways[random.int(ways.length)] as Way)
    const all = attacksOn(history, acts)
    for (let k = 0; k < scale(200); k += 1) {
      const attacks = Array.from({ length: 2 + random.int(3) }, () => all[random.int(all.length)] as Attack)
      await outcomeOf(history, attacks, random.int(1 << 30))
    }
  }))

function attacksOn(history: History, actions: readonly Act[]): Attack[] {
  return targetsOf(history).flatMap(target => actions.map(act => ({ target, act })))
}

/** Each attack alone: after a clean stop or a kill, with or without later records. `isWhole`: all four. */
async function outcomesOf(
  history: History,
  attacks: readonly Attack[],
  round: number,
  isWhole = false,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const [n, attack] of attacks.entries())
    outcomes.push(...(await outcomeOf(history, [attack], round * 1000 + n, isWhole)))
  return outcomes
}

async function outcomeOf(
  history: History,
  attacks: readonly Attack[],
  caseSeed: number,
  isWhole = false,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const random = seededRandom(caseSeed)
  // One of the four, except for the rows above.
  const [oneState, oneMore] = [random.int(2), random.int(2)]
  for (const [n, state] of (['closed', 'killed'] as const).entries())
    for (const [m, more] of [0, 40].entries()) {
      if (!isWhole && (n !== oneState || m !== oneMore)) continue
      const each = { state, attacks, more }
      try {
        outcomes.push(await check(history, each, seededRandom(caseSeed)))
      } catch (error) {
        throw new Error(`${describeCase(history.way, each)}, seed ${caseSeed}`, { cause: error })
      }
    }
  return outcomes
}
