/**
 * The log's data of an app, and its deletion: internal topics, committed offsets, transactional ids. The
 * metadata file first marks the app and its topics as being deleted. A deletion that a failure or crash
 * interrupts is finished from there, before the name has its next life.
 */
import { isMillraceError } from '../base/index.ts'
import { notEmpty } from './groups/group-checks.ts'
import type { Groups } from './groups/groups.ts'
import type { Locks } from './locks.ts'
import type { MetadataFile } from './internal/metadata.ts'
import type { Offsets } from './offsets/offsets.ts'
import { isNamedAsOfApp, isNameOfApp } from './internal/topic-names.ts'
import type { Topics } from './topics/topics.ts'
import type { Transactions } from './transactions/transactions.ts'

/** An open writer: its app, and its transactional id. */
export interface OpenWriter {
  readonly app: string | undefined
  readonly transactionalId: string | undefined
}

export interface AppsContext {
  readonly metadata: MetadataFile
  readonly topics: Topics
  readonly offsets: Offsets
  readonly transactions: Transactions
  readonly groups: Groups
  readonly locks: Locks
  openWriters(): Iterable<OpenWriter>
}

export class Apps {
  readonly #context: AppsContext

  constructor(context: AppsContext) {
    this.#context = context
  }

  /**
   * Finishes deletions that a crash has interrupted. Without room on the disk, or over damaged offsets, they
   * are finished by a later start, by {@link finishDeletion}, or when the app is deleted again.
   */
  async start(): Promise<void> {
    const { groups, metadata } = this.#context
    for (const app of metadata.current.deletingApps)
      await groups.whileDeleting(app, forget => this.#finish(app, forget)).catch(unlessItCanWait)
  }

  /** Whether a deletion of the app has begun and not ended. */
  isDeleting(app: string): boolean {
    return this.#context.metadata.current.deletingApps.includes(app)
  }

  /**
   * Finishes a deletion that a failure has interrupted, and waits for one in progress. What the app or its
   * group is given after that belongs to its next life. Undefined: there is none. Rejects with what the
   * deletion fails with.
   */
  finishDeletion(app: string): Promise<void> | undefined {
    if (!this.isDeleting(app)) return undefined
    return this.#context.groups.whileDeleting(app, async forget => {
      if (this.isDeleting(app)) await this.#finish(app, forget)
    })
  }

  /** Takes a lock. One of an app also finishes an interrupted deletion of that app. */
  async lock(name: string, holder: string): Promise<{ release(): Promise<void> }> {
    const { locks, metadata } = this.#context
    const lock = locks.take(name, holder)
    try {
      for (const app of metadata.current.deletingApps)
        if (lockOf(app) === name) await this.finishDeletion(app)
      return lock
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  /** Whether an app of this name has internal topics, as each app has once it ran. */
  has(app: string): boolean {
    return this.#topicsOf(app).length > 0
  }

  /** False if the log has no data of the app. Throws GROUP_NOT_EMPTY. */
  async delete(app: string): Promise<boolean> {
    return this.#context.groups.whileDeleting(app, async forget => {
      const { locks, offsets, topics } = this.#context
      this.checkStopped(app)
      const names = this.#topicsOf(app)
      const ids = this.#idsOf(app)
      if (names.length + ids.length + offsets.of(app).length === 0 && !this.isDeleting(app)) return false
      const lock = locks.take(lockOf(app), `the deletion of the app`)
      try {
        await topics.deleteAll(names, current => ({
          ...current,
          deletingApps: [...new Set([...current.deletingApps, app])],
        }))
        await this.#finish(app, forget)
      } finally {
        await lock.release()
      }
      return true
    })
  }

  /** Throws GROUP_NOT_EMPTY while the group has members, or the app runs. */
  checkStopped(group: string): void {
    const { groups, locks } = this.#context
    const members = groups.members(group)
    const holder = locks.holder(lockOf(group))
    const writer = [...this.#context.openWriters()].find(({ app }) => app === group)
    if (members === 0 && holder === undefined && writer === undefined) return
    const who = holder ?? (members > 0 ? `${members} members of the group '${group}'` : `a writer of the app`)
    throw notEmpty(group, who)
  }

  async #finish(app: string, forgetGroup: () => Promise<void>): Promise<void> {
    const { transactions, metadata } = this.#context
    await forgetGroup()
    await Promise.all(this.#idsOf(app).map(id => transactions.forget(id)))
    await metadata.update(current => ({
      ...current,
      deletingApps: current.deletingApps.filter(each => each !== app),
    }))
  }

  #topicsOf(app: string): string[] {
    return this.#context.topics.ofApp(app, name => isNamedAsOfApp(name, app) && this.#isOf(name, app))
  }

  #idsOf(app: string): string[] {
    const open = new Set(Array.from(this.#context.openWriters(), ({ transactionalId }) => transactionalId))
    return this.#context.transactions.ids().filter(id => !open.has(id) && this.#isOf(id, app))
  }

  /** Whether a name that begins with the app's belongs to it, and not to an app with a longer name. */
  #isOf(name: string, app: string): boolean {
    const { offsets, topics } = this.#context
    return isNameOfApp(name, app, [...offsets.groups(), ...topics.apps()])
  }
}

/** The lock that keeps an app to one instance: a run takes it by this name. */
function lockOf(app: string): string {
  return `app ${app}`
}

function unlessItCanWait(error: unknown): void {
  if (!isMillraceError(error) || !(error.retriable || error.code === 'PARTITION_DAMAGED')) throw error
}
