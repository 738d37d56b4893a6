/**
 * Decides once, at the start, whether a run may continue from the app's last commit.
 *
 * A commit says where each input is, how far each changelog went, and which plan it was made under
 * (saved-plan.ts). The program may have changed since, and topics may be deleted: this file checks both.
 * Offsets and changelogs may no longer match, after a repair, a restored copy, or a power loss under
 * `durability: 'os'`. That is checked in continuation.ts, as each task begins. Whatever is not proved to
 * belong together is refused: a wrong number would never be noticed.
 */
import { MillraceError } from '../../base/index.ts'
import type { OffsetCommit, TopicPartition } from '../../port/index.ts'
import { checkAnnouncedAhead } from './announced-ahead.ts'
import { cannotContinue, restoreFolder } from './cannot-continue.ts'
import { hasUnreadRecords } from './restart.ts'
import { Continuation } from './continuation.ts'
import { checkExchangeEnds } from './exchange-ends.ts'
import type { InstanceContext } from './instance-context.ts'
import { changeBetween, withoutOperator } from '../plan/plan-changes.ts'
import { lastPlan } from '../plan/plan-topic.ts'
import { planTopic, exchangeTopic } from '../plan/own-topics.ts'
import { hasPlanMark, startMetadata } from '../task/committed-metadata.ts'
import { stateNames } from '../task/state-names.ts'
import {
  digestOf,
  exchangesOf,
  operatorsOf,
  planFormat,
  type SavedExchange,
  type SavedOperator,
  type SavedPlan,
  type UnsavedPlan,
} from '../plan/saved-plan.ts'

export class PreviousRun {
  readonly #context: InstanceContext
  readonly #operators: readonly SavedOperator[]
  /** The plan of the last commit; undefined for a new app, and after 0.1.0, which kept no plan. */
  readonly #saved: SavedPlan | undefined
  /** Whether the app has committed anything. */
  readonly #hasRun: boolean
  /** Operators of earlier programs whose state no operator claims. */
  #unclaimed: readonly SavedOperator[] = []
  /** Whether `forget` dropped state: the next commit must say so, even if no record comes. */
  #hasForgotten = false

  private constructor(
    context: InstanceContext,
    operators: readonly SavedOperator[],
    saved: SavedPlan | undefined,
    hasRun: boolean,
  ) {
    this.#context = context
    this.#operators = operators
    this.#saved = saved
    this.#hasRun = hasRun
  }

  /**
   * Looks up the last commit and compares its plan with this one.
   *
   * @param inputs all partitions that the app reads
   * @throws MillraceError STATE_INCOMPATIBLE
   */
  static async of(context: InstanceContext, inputs: readonly TopicPartition[]): Promise<PreviousRun> {
    const { app, plan, port } = context
    const committed = (await port.committedOffsets(app, inputs)).filter(each => each !== undefined)
    const saved = await savedPlan(context, committed)
    const hasRun = committed.some(({ metadata }) => metadata !== startMetadata)
    const operators = operatorsOf(app, plan, stateNames(plan))
    const previous = new PreviousRun(context, operators, saved, hasRun)
    await previous.#compare(inputs)
    return previous
  }

  /** The names of operators whose state is kept, and which no operator claims. */
  get unclaimed(): readonly string[] {
    return this.#unclaimed.map(({ name }) => name)
  }

  /** What the app's partitions and states continue from. */
  get continuation(): Continuation {
    const keepsState = this.#operators.length > 0
    return new Continuation(this.#context, { saved: this.#saved, hasRun: this.#hasRun, keepsState })
  }

  /** The changelogs of an operator of this program, by its name. */
  changelogsOf(operator: string): readonly string[] {
    return this.#operators.find(({ name }) => name === operator)?.changelogs ?? []
  }

  /** Whether a crash may have left changes in the changelogs that no commit counts. */
  get mayHaveUncounted(): boolean {
    return this.#saved?.atLeastOnce === true || !this.#context.settings.exactlyOnce
  }

  async #compare(inputs: readonly TopicPartition[]): Promise<void> {
    const saved = this.#saved
    const { forget } = this.#context.settings
    this.#checkForget(saved?.unclaimed ?? [])
    if (!saved) return
    const remain = (each: SavedOperator): boolean => !forget.includes(each.name)
    const before = saved.operators.filter(remain)
    const unclaimed = saved.unclaimed.filter(remain)
    const change = changeBetween(before, unclaimed, this.#operators, Object.keys(saved.topics))
    if (change !== undefined) throw this.#refused(change.what, change.way)
    await this.#checkPresent(before)
    const exchanges = (saved.exchanges ?? []).map(({ name }) => name)
    // The commits of 0.1.0 count nothing of what is between the stages.
    const mayHaveUncounted = this.mayHaveUncounted || saved.adopted === true
    await checkExchangeEnds(this.#context, { exchanges, inputs, mayHaveUncounted })
    await this.#checkExchanges(saved)
    await this.#checkAnnounced(saved)
    for (const { name, changelogs } of [...saved.operators, ...saved.unclaimed]) {
      if (!forget.includes(name)) continue
      this.#hasForgotten = true
      for (const topic of changelogs) await deleteIfThere(this.#context, topic)
    }
    this.#unclaimed = [...unclaimed, ...withoutOperator(before, this.#operators)]
  }

  #checkForget(unclaimed: readonly SavedOperator[]): void {
    for (const name of this.#context.settings.forget)
      if (this.#operators.some(each => each.name === name) && !unclaimed.some(each => each.name === name))
        throw new MillraceError(
          'INVALID_ARGUMENT',
          `The run's option forget names '${name}', which the app '${this.#context.app}' has: its state would be dropped at each start. ` +
            'Take the name out of forget.',
        )
  }

  /** Checks that no changelog, and no topic between stages, was deleted: it would be created again, empty. */
  async #checkPresent(before: readonly SavedOperator[]): Promise<void> {
    const { app, plan, port, settings } = this.#context
    const saved = this.#saved?.topics ?? {}
    const needed = before
      .filter(({ name }) => this.#operators.some(each => each.name === name))
      .flatMap(({ changelogs }) => changelogs)
    if (settings.exchange === 'topic')
      for (const { incoming } of plan.stages)
        needed.push(...incoming.map(({ exchange }) => exchangeTopic(app, exchange)))
    for (const topic of needed)
      if (saved[topic] !== undefined && !(await port.describeTopic(topic)))
        throw this.#refused(
          `its topic '${topic}' is gone, and its state cannot be rebuilt without it`,
          restoreFolder,
        )
  }

  /** Checks that records between the stages still reach the stage that they were sent to. */
  async #checkExchanges({ exchanges = [] }: SavedPlan): Promise<void> {
    const { app, plan, port, settings } = this.#context
    const now = exchangesOf(plan)
    // Exchanges without names in one place are told apart only by their order.
    const alike = (among: readonly SavedExchange[], place: string): number =>
      among.filter(each => !each.isNamed && each.place === place).length
    for (const { name, place } of exchanges) {
      const found = now.find(each => each.name === name)
      const isSame = found?.place === place && alike(exchanges, place) === alike(now, place)
      // In memory no exchange's topic is read: that is refused elsewhere.
      if (found && (found.isNamed || isSame || settings.exchange === 'memory')) continue
      const topic = exchangeTopic(app, { name })
      const { partitions = 0 } = (await port.describeTopic(topic)) ?? {}
      for (let partition = 0; partition < partitions; partition += 1)
        if (await hasUnreadRecords(this.#context, topic, partition))
          throw this.#refused(
            `records are in flight in '${topic}', which was fed by '${place}', and is ${found ? `one of several that '${found.place}' feeds now` : 'not read any more'}`,
            "Run the earlier program once more with { until: 'now' }, which processes them",
          )
    }
  }

  /**
   * Checks the announced watermarks, unless the app runs exactly once: then a watermark is committed in the
   * transaction that announces it.
   */
  async #checkAnnounced({ atLeastOnce, exchanges = [] }: SavedPlan): Promise<void> {
    const { settings } = this.#context
    if (settings.exchange === 'memory' || (settings.exactlyOnce && !atLeastOnce)) return
    // An app without state has no windows, and its offsets may have been set from outside.
    if (this.#operators.length > 0) await checkAnnouncedAhead(this.#context, exchanges)
  }

  /**
   * The plan to keep with the next commit; undefined if the last commit has the same plan. All topics exist
   * by now.
   *
   * @throws MillraceError STATE_INCOMPATIBLE for a topic that was deleted and created again
   */
  async toSave(): Promise<UnsavedPlan | undefined> {
    const { app, plan, port, settings, topics } = this.#context
    const ids: Record<string, string> = {}
    const own = [...this.#operators.flatMap(({ changelogs }) => changelogs), planTopic(app)]
    const read = plan.stages.flatMap(stage => topics.read(stage))
    for (const topic of new Set([...read, ...own].sort())) {
      const description = await port.describeTopic(topic)
      if (description) ids[topic] = description.id
    }
    this.#compareIds(ids)
    const saved = this.#saved
    const next: SavedPlan = {
      format: planFormat,
      operators: this.#operators,
      unclaimed: this.#unclaimed,
      ...(settings.exchange === 'topic' && { exchanges: exchangesOf(plan) }),
      topics: ids,
      ...((saved ? saved.adopted : this.#hasRun) && { adopted: true }),
      ...(this.mayHaveUncounted && { atLeastOnce: true }),
    }
    if (saved && digestOf(saved) === digestOf(next)) return undefined
    return { plan: next, isDue: this.#hasForgotten }
  }

  #compareIds(ids: Readonly<Record<string, string>>): void {
    const { app } = this.#context
    const saved = this.#saved?.topics
    // The plan's topic cannot be deleted alone. If it has another id, the log's list of topics was made
    // again, and all topics have other ids.
    if (!saved || saved[planTopic(app)] !== ids[planTopic(app)]) return
    const isAnother = (topic: string): boolean =>
      saved[topic] !== undefined && ids[topic] !== undefined && saved[topic] !== ids[topic]
    const before = new Set(this.#saved?.operators.map(({ name }) => name))
    for (const { name, reads, changelogs } of this.#operators) {
      if (!before.has(name) || this.#context.settings.forget.includes(name)) continue
      const changed = [...reads, ...changelogs].find(isAnother)
      if (changed !== undefined)
        throw this.#refused(
          `the topic '${changed}' was deleted and created again, and the state of '${name}' holds what the old one said`,
        )
    }
    const between = Object.keys(ids).find(topic => topic.endsWith('-repartition') && isAnother(topic))
    if (between !== undefined)
      throw this.#refused(`the topic '${between}' was deleted and created again, with the records in flight`)
  }

  #refused(what: string, way?: string): MillraceError {
    return cannotContinue(this.#context.app, what, way)
  }
}

/** The notice that names the operators whose state is kept and claimed by none. */
export function unclaimedNotice(app: string, operators: readonly string[]): string {
  const names = operators.map(name => `'${name}'`).join(', ')
  return `The app '${app}' keeps state that none of its operators claims: ${names}. What waits there, such as records of a join and open windows, gives no results any more. Drop the state with { forget: [${names}] }.`
}

/** The plan that was committed last. */
async function savedPlan(
  context: InstanceContext,
  committed: readonly OffsetCommit[],
): Promise<SavedPlan | undefined> {
  const { app, port } = context
  const topic = planTopic(app)
  const [commit] = await port.committedOffsets(app, [{ topic, partition: 0 }])
  const isThere = (await port.describeTopic(topic)) !== undefined
  const found = isThere ? await lastPlan(port, topic) : undefined
  if (commit && found && digestOf(found) === commit.metadata) return found
  if (!commit && (!found || found.atLeastOnce) && !committed.some(({ metadata }) => hasPlanMark(metadata)))
    return undefined
  throw new MillraceError(
    'STATE_INCOMPATIBLE',
    `The app '${app}' cannot continue: its commits and the plan that it keeps in '${topic}' do not belong together: one of them was set back, by a repair or a restored copy perhaps. ` +
      'Restore the whole folder from one copy, or start from scratch with { restart: true }.',
  )
}

async function deleteIfThere({ app, port }: InstanceContext, topic: string): Promise<void> {
  if (await port.describeTopic(topic)) await port.deleteTopic(topic, { app })
}
