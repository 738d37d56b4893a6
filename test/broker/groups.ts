/**
 * Members of one group join, commit, stall in their hooks and bodies, leave and come back, while the process
 * that has the log open is killed, loses power, or stops. By the commits that were accepted:
 *
 * - no partition has two owners in one generation, also over restarts;
 * - committed offsets do not go back;
 * - once nobody stalls any more, every partition has one owner, and the shares are even.
 */
import assert from 'node:assert/strict'
import { isMillraceError, type Random } from '../../src/base/index.ts'
import { SimulatedLog } from '../../src/broker/simulated-log.test-support.ts'
import type {
  AssignorName,
  Committer,
  GroupMembership,
  LogPort,
  TopicPartition,
} from '../../src/port/index.ts'
import { forSeeds } from '../for-seeds.ts'

const partitions = 5
const membersMax = 4
const runsPerSeed = 3
const stepsPerRun = 25
const rebalanceTimeoutMs = 300
/** The shortest that a group allows. */
const sessionTimeoutMs = 6000
/** A group with all its members, and static ones that are away. */
const groupRecordBytesMax = 3000
/** Calls to the disk between two ends of the process, at most. */
const callsMax = 150
/** Virtual time after which members that act have settled: several rebalances with a late member each. */
const settlingMs = 10 * rebalanceTimeoutMs

interface Member {
  readonly name: string
  readonly instanceId: string | undefined
  membership: GroupMembership | undefined
  /** What its hooks say that it has. */
  readonly owned: Set<number>
  isGone: boolean
}

/** What was accepted, over all runs. */
class Accepted {
  commits = 0
  readonly #owners = new Map<string, string>()
  /** The largest offset of each partition. */
  readonly #offsets = new Map<number, number>()
  #next = 0

  next(): number {
    this.#next += 1
    return this.#next
  }

  add({ memberId, generation, instanceId }: Committer, partition: number, offset: number): void {
    // A static member is the same one under its next id.
    const who = instanceId ?? memberId!
    const key = `partition ${partition} in generation ${generation}`
    const owner = this.#owners.get(key)
    assert(owner === undefined || owner === who, `${key} has two owners: ${owner} and ${who}`)
    this.#owners.set(key, who)
    this.#offsets.set(partition, Math.max(offset, this.#offsets.get(partition) ?? 0))
    this.commits += 1
  }

  async check(port: LogPort): Promise<void> {
    const all = Array.from({ length: partitions }, (_, partition) => ({ topic: 't', partition }))
    const committed = await port.committedOffsets('g', all)
    for (const [partition, offset] of this.#offsets) {
      const found = committed[partition]?.offset ?? 0
      assert(found >= offset, `partition ${partition} went back from ${offset} to ${found}`)
    }
  }
}

/** One process that has the log open, and its members. */
class Run {
  readonly #log: SimulatedLog
  readonly #port: LogPort
  readonly #random: Random
  readonly #accepted: Accepted
  readonly #assignor: AssignorName
  readonly #working: Promise<unknown>[] = []
  #members: Member[] = []
  #names = 0
  /** Whether hooks take long, some of them too long. */
  #stalls = true

  constructor(log: SimulatedLog, port: LogPort, random: Random, accepted: Accepted, assignor: AssignorName) {
    this.#log = log
    this.#port = port
    this.#random = random
    this.#accepted = accepted
    this.#assignor = assignor
  }

  /** Does some step; what it starts may still be in progress afterwards. */
  async step(): Promise<void> {
    const random = this.#random
    const member = this.#members[random.int(this.#members.length)]
    const what = random.int(10)
    if (!member || (what < 2 && this.#members.length < membersMax)) this.#join()
    else if (what === 2) this.#leave(member)
    else this.#commit(member)
    await this.#log.clock.advance(random.int(rebalanceTimeoutMs / 3))
  }

  /** Lets everything end, and checks the shares. */
  async settle(): Promise<void> {
    this.#stalls = false
    if (this.#members.length === 0) this.#join()
    // A static member of an earlier run keeps its partitions until its session is over.
    for (let ms = 0; ms < settlingMs + 2 * sessionTimeoutMs; ms += rebalanceTimeoutMs)
      await this.#log.clock.advance(rebalanceTimeoutMs)
    const members = this.#members.filter(({ isGone }) => !isGone)
    const owned = members.flatMap(each => [...each.owned])
    const shares = members.map(each => `${each.name}: ${[...each.owned].join()}`).join('; ')
    assert.equal(new Set(owned).size, owned.length, shares)
    if (members.length > 0) assert.equal(owned.length, partitions, shares)
    const sizes = members.map(each => each.owned.size)
    assert(Math.max(...sizes) - Math.min(...sizes) <= 1 || members.length === 0, shares)
    for (const member of members) assert(member.membership, `${member.name} has not joined`)
  }

  /** Closes the log, and waits for what the steps have started. */
  async end(): Promise<void> {
    const closing = this.#port.close().catch(() => undefined)
    const ended = Promise.allSettled([...this.#working, closing])
    const work = { isDone: false }
    void ended.then(() => {
      work.isDone = true
    })
    for (let turn = 0; !work.isDone && turn < 1000; turn += 1)
      await this.#log.clock.advance(rebalanceTimeoutMs)
    assert(work.isDone, 'a call does not end')
  }

  #join(): void {
    const random = this.#random
    this.#names += 1
    const instances = ['one', 'two'].filter(id => !this.#members.some(({ instanceId }) => instanceId === id))
    const instanceId = random.int(3) === 0 ? instances[random.int(instances.length)] : undefined
    const member: Member = {
      name: instanceId ?? `m${this.#names}`,
      instanceId,
      membership: undefined,
      owned: new Set(),
      isGone: false,
    }
    this.#members.push(member)
    const lose = (lost: readonly TopicPartition[]): void => {
      for (const { partition } of lost) member.owned.delete(partition)
    }
    const joining = this.#port.joinGroup({
      group: 'g',
      topics: [['t']],
      assignors: [this.#assignor],
      rebalanceTimeoutMs,
      sessionTimeoutMs,
      ...(instanceId !== undefined && { instanceId }),
      onAssigned: async added => {
        await this.#stall()
        for (const { partition } of added) member.owned.add(partition)
      },
      onRevoked: async revoked => {
        await this.#stall()
        await this.#commitNow(member)
        lose(revoked)
      },
      onLost: lost => {
        lose(lost)
        this.#forget(member)
      },
    })
    this.#working.push(
      joining.then(
        membership => {
          member.membership = membership
          // It was told to leave before it had joined.
          return member.isGone ? membership.leave() : undefined
        },
        () => this.#forget(member),
      ),
    )
  }

  #leave(member: Member): void {
    this.#forget(member)
    if (member.membership) this.#working.push(member.membership.leave())
  }

  #forget(member: Member): void {
    member.isGone = true
    this.#members = this.#members.filter(each => each !== member)
  }

  #commit(member: Member): void {
    this.#working.push(this.#commitNow(member))
  }

  /** Commits for all that the member has. Refusals are expected; what is accepted must be sound. */
  async #commitNow({ membership }: Member): Promise<void> {
    try {
      await membership?.committing(async committer => {
        const offsets = membership.assignment.map(each => ({ ...each, offset: this.#accepted.next() }))
        if (offsets.length === 0) return
        await this.#port.commitOffsets({ ...committer, offsets })
        for (const { partition, offset } of offsets) this.#accepted.add(committer, partition, offset)
      })
    } catch (error) {
      // Without power every call fails.
      if (!isMillraceError(error, 'MEMBER_FENCED') && !this.#log.hasEnded()) throw error
    }
  }

  async #stall(): Promise<void> {
    if (!this.#stalls) return
    const random = this.#random.int(12)
    if (random < 6) return
    await this.#log.clock.sleep(random === 11 ? 2 * rebalanceTimeoutMs : random * 10)
  }
}

async function run(random: Random): Promise<number> {
  const log = new SimulatedLog(random, { internalRecordBytesMax: groupRecordBytesMax })
  const accepted = new Accepted()
  const assignor = random.int(3) === 0 ? 'range' : 'cooperative-sticky'
  const first = await log.open()
  await first.createTopic('t', { partitions })
  await first.close()
  for (let n = 0; n < runsPerSeed; n += 1) {
    const how = (['clean', 'kill', 'crash', 'crash'] as const)[random.int(4)]!
    const calls = how === 'clean' ? Infinity : 1 + random.int(callsMax)
    const port = await log.open(calls, how === 'clean' ? 'kill' : how).catch(() => undefined)
    if (port) {
      const process = new Run(log, port, random, accepted, assignor)
      for (let step = 0; step < stepsPerRun && !log.hasEnded(); step += 1) await process.step()
      if (how === 'clean') await process.settle()
      await process.end()
    }
    log.end()
    const next = await log.open()
    await accepted.check(next)
    await next.close()
  }
  return accepted.commits
}

export function check(): Promise<void> {
  return forSeeds(400, run, commits => {
    const total = commits.reduce((sum, count) => sum + count, 0)
    // Runs in which nothing is accepted prove nothing.
    assert(total > commits.length * 20, `only ${total} commits were accepted`)
  })
}
