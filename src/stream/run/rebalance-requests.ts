/**
 * The group's requests to an instance: to take partitions, or to give them away. The group waits for the
 * answer. The instance answers between two batches, when everything that it has read is processed.
 */
import { MillraceError } from '../../base/index.ts'
import type { TopicPartition } from '../../port/index.ts'
import type { WakeSignal } from './wake-signal.ts'

interface Request {
  readonly kind: 'assign' | 'revoke'
  readonly partitions: readonly TopicPartition[]
  readonly answer: PromiseWithResolvers<void>
}

/** Handles the requests of each kind. */
export interface RebalanceHandlers {
  assign(partitions: readonly TopicPartition[]): Promise<void>
  revoke(partitions: readonly TopicPartition[]): Promise<void>
}

export class RebalanceRequests {
  readonly #wakeSignal: WakeSignal
  readonly #handlers: RebalanceHandlers
  readonly #queue: Request[] = []
  #refused = false

  constructor(wakeSignal: WakeSignal, handlers: RebalanceHandlers) {
    this.#wakeSignal = wakeSignal
    this.#handlers = handlers
  }

  /** Makes a request; resolves when it is done. */
  ask(kind: Request['kind'], partitions: readonly TopicPartition[]): Promise<void> {
    const request: Request = { kind, partitions, answer: Promise.withResolvers() }
    if (this.#refused) refuse(request)
    else this.#queue.push(request)
    this.#wakeSignal.wake()
    return request.answer.promise
  }

  /**
   * Serves the requests that were made. Throws the error of a request that failed: the instance does not
   * continue after that.
   */
  async serve(): Promise<void> {
    for (let request = this.#queue.shift(); request; request = this.#queue.shift()) {
      try {
        await this.#handlers[request.kind](request.partitions)
        request.answer.resolve()
      } catch (error) {
        request.answer.reject(error)
        throw error
      }
    }
  }

  /** Serves until `settling` has settled: the group waits for answers while a member joins and leaves. */
  async serveUntil(settling: Promise<unknown>): Promise<void> {
    const state = { settled: false }
    const settle = (): void => {
      state.settled = true
      this.#wakeSignal.wake()
    }
    settling.then(settle, settle)
    while (!state.settled) {
      await this.serve()
      if (!state.settled) await this.#wakeSignal.wait()
    }
  }

  /**
   * From now on no partitions are taken. Partitions are given away as they are: nothing of them was
   * committed.
   */
  refuse(): void {
    this.#refused = true
    for (const request of this.#queue.splice(0)) refuse(request)
  }
}

function refuse({ kind, answer }: Request): void {
  if (kind === 'revoke') answer.resolve()
  else answer.reject(new MillraceError('CLOSED', 'The instance has failed and takes no partitions.'))
}
