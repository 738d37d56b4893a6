/**
 * The log's data of an app, and its deletion: internal topics, committed offsets, transactional ids. The
 * metadata file first marks the app and its topics as being deleted. A deletion that a failure or crash
 * interrupts is finished from there.
 */
import { MillraceError } from '../base/index.ts'
import type { Groups } from './groups.ts'
import type { Locks } from './locks.ts'
import type { MetadataFile } from './metadata.ts'
import type { Offsets } from './offsets.ts'
import { isNamedAsOfApp, isNameOfApp } from './topic-names.ts'
import type { Topics } from './topics.ts'
import type { Transactions } from './transactions.ts'

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

  /** Finishes deletions that a crash has interrupted. */
  async start(): Promise<void> {
    for (const app of this.#context.metadata.current.deletingApps) await this.#finish(app)
  }

  /** Whether an app of this name has internal topics, as each app has once it ran. */
  has(app: string): boolean {
    return this.#topicsOf(app).length > 0
  }

  /** False if the log has no data of the app. Throws GROUP_NOT_EMPTY. */
  async delete(app: string): Promise<boolean> {
    const { topics, offsets, metadata } = this.#context
    this.checkStopped(app)
    const names = this.#topicsOf(app)
    const ids = this.#idsOf(app)
    const isDeleting = metadata.current.deletingApps.includes(app)
    if (names.length + ids.length + offsets.of(app).length === 0 && !isDeleting) return false
    await topics.deleteAll(names, current => ({
      ...current,
      deletingApps: [...new Set([...current.deletingApps, app])],
    }))
    await this.#finish(app)
    return true
  }

  /** Throws GROUP_NOT_EMPTY while the group has members, or the app runs. */
  checkStopped(group: string): void {
    const { groups, locks } = this.#context
    const members = groups.members(group)
    const holder = locks.holder(`app ${group}`)
    const writer = [...this.#context.openWriters()].find(({ app }) => app === group)
    if (members === 0 && holder === undefined && writer === undefined) return
    const who = holder ?? (members > 0 ? `${members} members of the group '${group}'` : `a writer of the app`)
    throw new MillraceError(
      'GROUP_NOT_EMPTY',
      `Offsets of '${group}' cannot be changed while it is active (${who}). Stop it first.`,
    )
  }

  async #finish(app: string): Promise<void> {
    const { groups, offsets, transactions, metadata } = this.#context
    await offsets.forgetGroup(app)
    await groups.forget(app)
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
