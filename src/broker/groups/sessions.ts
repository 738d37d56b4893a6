/**
 * The sessions of a group's members: a member that is not heard of for its session time-out is removed. The
 * session of a member in this process does not run while its `alive` signal lasts.
 */
import type { ActiveClock } from '../../base/index.ts'
import type { Member } from './members.ts'

export class Sessions {
  readonly #active: ActiveClock
  readonly #over: (member: Member) => void

  constructor(active: ActiveClock, over: (member: Member) => void) {
    this.#active = active
    this.#over = over
  }

  /** The member was heard of: its session begins from scratch. Default: its session time-out. */
  prolong(member: Member, sessionMs: number = member.sessionTimeoutMs): void {
    member.session?.cancel()
    member.session = undefined
    if (member.alive && !member.alive.aborted) return
    member.session = this.#active.schedule(sessionMs, () => {
      member.session = undefined
      // A member whose request is not answered yet is there, except a new one: it may have given up.
      if (member.isNew || !(member.join || member.sync)) this.#over(member)
    })
  }

  /** The session of the member begins to run when this signal aborts. A signal is listened to once. */
  watch(member: Member, alive: AbortSignal | undefined): void {
    if (member.alive === alive) return
    member.alive = alive
    alive?.addEventListener('abort', () => alive === member.alive && member.isThere && this.prolong(member), {
      once: true,
    })
  }
}
