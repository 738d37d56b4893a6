/** A client of the requests of groups: what one member of a group sends, with defaults. */
import type { TestContext } from 'node:test'
import { type Disk, nodeNet, seededRandom, systemClock } from '../../base/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { messages, type RequestInput, type Response } from '../../wire/index.ts'
import { Broker } from '../broker.ts'
import { KafkaServer } from '../server/kafka-server.ts'
import { RawClient } from '../server/raw-client.test-support.ts'

const { heartbeat, joinGroup, leaveGroup, offsetCommit, offsetFetch, syncGroup } = messages

type Joined = Response<typeof joinGroup>
type Commit = RequestInput<typeof offsetCommit>

export const bytes = (text: string): Buffer => Buffer.from(text)
/** The newest version of a request. */
export const newest = { join: 9, sync: 5, heartbeat: 4, leave: 5, commit: 9, fetch: 7 }

/** A member that asks in these versions; by default in the newest ones. */
export class GroupClient {
  readonly #client: RawClient
  readonly group: string
  readonly versions: typeof newest
  memberId = ''
  generation = -1
  readonly groupInstanceId: string | null

  constructor(
    client: RawClient,
    options: {
      readonly group?: string
      readonly instanceId?: string
      readonly versions?: Partial<typeof newest>
    } = {},
  ) {
    this.#client = client
    this.group = options.group ?? 'g'
    this.groupInstanceId = options.instanceId ?? null
    this.versions = { ...newest, ...options.versions }
  }

  /** Joins once, as the request says. */
  async joinOnce(request: Partial<RequestInput<typeof joinGroup>> = {}): Promise<Joined> {
    const joined = await this.#client.ask(joinGroup, this.versions.join, {
      groupId: this.group,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: this.memberId,
      ...(this.groupInstanceId === null ? {} : { groupInstanceId: this.groupInstanceId }),
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: bytes('said') }],
      ...request,
    })
    if (joined.errorCode === 0) this.generation = joined.generationId
    if (joined.memberId !== '') this.memberId = joined.memberId
    return joined
  }

  /** Joins, also with the id that it is given. */
  async join(request: Partial<RequestInput<typeof joinGroup>> = {}): Promise<Joined> {
    const joined = await this.joinOnce(request)
    return joined.errorCode === 79 ? this.joinOnce(request) : joined
  }

  /** `assignments`: what each member gets, by its id. */
  sync(
    assignments: Readonly<Record<string, string>> = {},
    request: Partial<RequestInput<typeof syncGroup>> = {},
  ): Promise<Response<typeof syncGroup>> {
    return this.#client.ask(syncGroup, this.versions.sync, {
      ...this.#self(3, this.versions.sync),
      ...(this.versions.sync >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}),
      assignments: Object.entries(assignments).map(([memberId, text]) => ({
        memberId,
        assignment: bytes(text),
      })),
      ...request,
    })
  }

  /** Joins as the only member, and assigns `all` to itself. */
  async stable(request: Partial<RequestInput<typeof joinGroup>> = {}): Promise<void> {
    const { errorCode } = await this.join(request)
    if (errorCode !== 0) throw new Error(`The join was refused with code ${errorCode}.`)
    await this.sync({ [this.memberId]: 'all' })
  }

  async heartbeat(request: Partial<RequestInput<typeof heartbeat>> = {}): Promise<number> {
    const self = this.#self(3, this.versions.heartbeat)
    const { errorCode } = await this.#client.ask(heartbeat, this.versions.heartbeat, { ...self, ...request })
    return errorCode
  }

  leave(request: Partial<RequestInput<typeof leaveGroup>> = {}): Promise<Response<typeof leaveGroup>> {
    const { memberId, groupInstanceId } = this
    const who = this.versions.leave < 3 ? { memberId } : { members: [{ memberId, groupInstanceId }] }
    return this.#client.ask(leaveGroup, this.versions.leave, { groupId: this.group, ...who, ...request })
  }

  /** Commits as this member; the codes of the partitions. */
  async commit(
    topic: string,
    offsets: readonly number[],
    request: Partial<Commit> = {},
  ): Promise<readonly number[]> {
    const { topics } = await this.#client.ask(offsetCommit, this.versions.commit, {
      groupId: this.group,
      memberId: this.memberId,
      generationIdOrMemberEpoch: this.generation,
      topics: [
        {
          name: topic,
          partitions: offsets.map((committedOffset, partitionIndex) => ({
            partitionIndex,
            committedOffset,
            committedMetadata: 'm',
          })),
        },
      ],
      ...request,
    })
    return topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
  }

  /** The committed offset of the first partition. */
  async committed(topic: string): Promise<number> {
    const { topics } = await this.#client.ask(offsetFetch, newest.fetch, {
      groupId: this.group,
      topics: [{ name: topic, partitionIndexes: [0] }],
    })
    return topics[0]!.partitions[0]!.committedOffset
  }

  #self(instanceVersion: number, version: number) {
    const { group: groupId, memberId, generation: generationId, groupInstanceId } = this
    return { groupId, memberId, generationId, ...(version >= instanceVersion ? { groupInstanceId } : {}) }
  }
}

/** A broker that listens, with a client; both end after the test. */
export async function serveBroker(
  context: Pick<TestContext, 'after'>,
  disk: Disk = new SimulatedDisk(),
): Promise<{ readonly broker: Broker; readonly client: RawClient }> {
  const broker = await Broker.open('/data', { disk, clock: systemClock, random: seededRandom(1) })
  const server = await KafkaServer.listen(broker, { net: nodeNet, clock: systemClock, address: { port: 0 } })
  const client = await RawClient.connect(nodeNet, server.address)
  context.after(async () => {
    client.close()
    await broker.close()
  })
  return { broker, client }
}
