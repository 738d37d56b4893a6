/**
 * kill -9, again and again, of a broker under transactional load over TCP: two producers, one in each version
 * of transactions. Then the checker. A kill counts only if a transaction has ended since the previous one,
 * and kills are spread over the phases of the producers.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeDisk, systemClock, systemRandom } from '../../src/base/index.ts'
import { InProcessLog } from '../../src/broker/index.ts'
import { drain } from '../../src/port/conformance/harness.ts'
import { forSeeds } from '../for-seeds.ts'
import { scale } from '../scale.ts'
import { partitions, TcpProducer, topic, type TcpPhase } from './tcp-producer.ts'

const phases: readonly TcpPhase[] = ['beginning', 'producing', 'adding offsets', 'ending', 'ended']
/** Numbers that each producer writes between two kills, at the least. */
const step = 30
/** One stop in so many is a clean one. */
const cleanEvery = 7

test('a broker that is killed at any moment loses and doubles no transaction of a client', () =>
  forSeeds(1, async random => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-kill-tcp-'))
    await makeTopic(folder)
    const victim = new Victim(folder)
    let ended = 0
    let trap: { readonly phase: TcpPhase; readonly ended: number; readonly afterMs: number } | undefined
    const kills = scale(500)
    const landed = new Map<TcpPhase, number>()
    const said = (phase: TcpPhase): void => {
      if (phase === 'ended') ended += 1
      if (!trap || ended < trap.ended || phase !== trap.phase) return
      const { afterMs } = trap
      trap = undefined
      landed.set(phase, (landed.get(phase) ?? 0) + 1)
      setTimeout(() => victim.stop(), afterMs)
    }
    const producers = ([1, 2] as const).map(
      version => new TcpProducer({ version, random, said, port: () => victim.port }),
    )
    try {
      let total = 0
      for (let n = 0; n < kills; n += 1) {
        total += step
        trap = { phase: phases[n % phases.length]!, ended: ended + 1, afterMs: random.int(5) }
        await Promise.all(producers.map(producer => producer.writeUpTo(total)))
        // Both have finished before the kill came: there is more to write.
        while (victim.stops <= n) {
          total += step
          await Promise.all([...producers.map(producer => producer.writeUpTo(total)), sleep(5)])
        }
      }
      for (const phase of phases) ok((landed.get(phase) ?? 0) > 0, `killed while ${phase}`)
      for (const producer of producers) producer.close()
      await victim.kill()
      await check(folder, total)
    } finally {
      for (const producer of producers) producer.close()
      await victim.kill()
      await rm(folder, { recursive: true, force: true })
    }
  }))

/** The broker that is stopped, and started again. */
class Victim {
  readonly #folder: string
  #broker: ChildProcess
  /** Where it listens. */
  port: Promise<number>
  stops = 0
  #stopping: Promise<void> | undefined
  #isOver = false

  constructor(folder: string) {
    this.#folder = folder
    ;[this.#broker, this.port] = start(folder)
  }

  /** Stops it, mostly by a kill, and starts the next one. */
  stop(): void {
    const isClean = (this.stops + 1) % cleanEvery === 0
    this.#stopping = this.#end(isClean ? 'SIGTERM' : 'SIGKILL').then(() => {
      this.stops += 1
      if (!this.#isOver) [this.#broker, this.port] = start(this.#folder)
    })
  }

  /** Ends it for good. */
  async kill(): Promise<void> {
    this.#isOver = true
    await this.#stopping
    await this.#end('SIGKILL')
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const { exitCode, signalCode } = this.#broker
    if (exitCode !== null || signalCode !== null) return
    const exit = once(this.#broker, 'exit')
    this.#broker.kill(signal)
    await exit
  }
}

function start(folder: string): [ChildProcess, Promise<number>] {
  const broker = fork(join(import.meta.dirname, 'tcp-broker.ts'), [folder], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  return [broker, once(broker, 'message').then(([port]) => port as number)]
}

async function makeTopic(folder: string): Promise<void> {
  const log = await open(folder)
  await log.createTopic(topic, { partitions })
  await log.close()
}

function open(folder: string): Promise<InProcessLog> {
  return InProcessLog.open(folder, { disk: nodeDisk, clock: systemClock, random: systemRandom })
}

/** Each partition has all numbers of each producer once and in order, and no transaction is open. */
async function check(folder: string, total: number): Promise<void> {
  const log = await open(folder)
  for (let partition = 0; partition < partitions; partition += 1) {
    const [stable, last] = await Promise.all(
      (['read_committed', 'read_uncommitted'] as const).map(isolation =>
        log.offsets(topic, partition, 'latest', isolation),
      ),
    )
    equal(stable, last, 'a transaction was left open')
    const reader = await log.openReader()
    reader.assign([{ topic, partition, offset: 0 }])
    const written = (await drain(reader, topic, partition)).map(({ value }) => value)
    await reader.close()
    for (const version of [1, 2])
      deepEqual(
        written.filter(value => value.startsWith(`${version}:`)),
        Array.from({ length: total }, (_, n) => `${version}:${n + 1}`),
        `what producer ${version} has left in partition ${partition}`,
      )
    equal(written.length, 2 * total, 'an aborted record was read')
  }
  await log.close()
}
