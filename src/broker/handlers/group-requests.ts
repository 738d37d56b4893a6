/** What the requests of groups have in common. */
import { MillraceError, type Latch } from '../../base/index.ts'
import type { Committer } from '../../port/index.ts'
import type { Exceptions } from './error-codes.ts'
import type { RequestContext } from './handler.ts'

/**
 * A disk that refuses to keep what a coordinator decides: clients look for the coordinator again, and retry.
 */
export const coordinatorErrors: Exceptions = {
  DISK_FULL: 'COORDINATOR_NOT_AVAILABLE',
  DISK_FAILED: 'COORDINATOR_NOT_AVAILABLE',
  PARTITION_POISONED: 'COORDINATOR_NOT_AVAILABLE',
}

/** Who commits, as a request says it: a negative generation is none, nor is an empty id. */
export function committerOf(
  generation: number,
  memberId: string,
  instanceId: string | null,
): Omit<Committer, 'group'> {
  return {
    ...(generation < 0 ? {} : { generation }),
    ...(memberId === '' ? {} : { memberId }),
    ...(instanceId === null ? {} : { instanceId }),
  }
}

/**
 * What a member waits for. Nobody needs the answer once the client is gone, or the broker closes: then it is
 * CLOSED. The member stays in its group until its session is over, and may come back.
 */
export async function unlessGone<T>(answer: Promise<T>, over: Latch): Promise<T> {
  const gone = Promise.withResolvers<never>()
  const withdraw = over.whenOpen(() =>
    gone.reject(new MillraceError('CLOSED', 'Nobody waits for the answer any more.')),
  )
  try {
    return await Promise.race([answer, gone.promise])
  } finally {
    withdraw()
  }
}

/** The client's address as Kafka's tools show it. */
export function clientHostOf({ clientHost }: Pick<RequestContext, 'clientHost'>): string {
  return `/${clientHost.replace(/^::ffff:/, '')}`
}
