/**
 * Aggregates in sliding windows: one window for each distinct set of records of a key within the size.
 *
 * A window is [end - size, end], both included. If it slides over the records of a key, the set in it changes
 * where a record enters and right after one leaves. So there is a window that ends at each record, and one
 * that starts 1 ms after each record, if it holds any record (KIP-450). No two have the same end.
 *
 * A record changes every window that holds it, and opens up to three: the one that ends at it; the one right
 * after the record before it, which was empty; and the one right after itself. Those of the first and the
 * last kind begin as copies of the window that holds the same records without this one: the last that starts
 * no later, because no record enters or leaves in between.
 *
 * A window's last instant is its end. Its extent depends on other records, so a record is late by its own
 * time. A window stays for size + 1 ms after its latest record, in addition to the allowed lateness, as
 * records that are still taken may need its content. An aggregate of null retracts the window's results; the
 * window stays, without a value.
 *
 * State: the lists of window-lists.ts, under the name `windows`, by end.
 */
import { frozen } from '../../state/index.ts'
import type { Aggregation } from './aggregation.ts'
import { emission, type WindowResult } from './emission.ts'
import type { AnyPolicy } from './emit-policy.ts'
import { keyed } from './operator.ts'
import { windowAggregate, type WindowAggregate } from './window-aggregate.ts'
import { windowLists } from './window-lists.ts'
import type { SlidingWindows } from './windows.ts'

interface Window<A> {
  readonly end: number
  /** The largest timestamp in it. */
  readonly timestamp: number
  /** Null if the program has deleted it. */
  readonly value: A | null
}

/** A window as it is now, and its value before. */
interface Change<A> {
  readonly window: Window<A>
  readonly previous: A | null
}

export const slidingWindows = <K, V, A>(
  name: string,
  windows: SlidingWindows,
  aggregation: Aggregation<K, V, A>,
  policies: readonly AnyPolicy[],
): WindowAggregate<K, V, A> => ({
  ...windowAggregate(name, windows, aggregation, policies),
  make(context, [lateOutput, ...results]) {
    const { sizeMs, allowedLatenessMs } = windows

    const resultOf = (rawKey: string, key: K, window: Window<A>, previous: A | null): WindowResult<K, A> => ({
      rawKey,
      key,
      place: window.end - sizeMs,
      start: window.end - sizeMs,
      lastInstant: window.end,
      previous,
      ...window,
    })

    // Asked for before other state: the task keeps its own entries in an operator's first.
    const lists = windowLists<Window<A>>(context, 'windows', {
      lastInstantOf: ({ end }) => end,
      keptUntil: ({ timestamp }) => timestamp + sizeMs + 1 + allowedLatenessMs,
      fire(rawKey, window) {
        if (window.value !== null) out.onTime(resultOf(rawKey, context.keyOf<K>(rawKey), window, null))
        return window
      },
    })
    const out = emission(context, policies, results)

    /** The end of the window that starts right after a record. */
    const endAfter = (timestamp: number): number => timestamp + 1 + sizeMs

    return {
      inputs: aggregation.folds.map(({ first, add }) =>
        keyed<K, V>(context, (record, rawKey) => {
          const { key, timestamp } = record
          if (record.watermark > timestamp + allowedLatenessMs) return context.late(record, lateOutput)
          // Several windows get the same value, one after the other.
          frozen(record.value)
          const known = lists.of(rawKey)
          const live = known?.live ?? []
          const from = firstFrom(live, timestamp)
          const to = firstFrom(live, endAfter(timestamp))
          const before = live[from - 1]
          const added = (end: number, held: Window<A> | undefined, previous: A | null): Change<A> => {
            const value = held?.value ?? null
            return {
              previous,
              window: {
                end,
                timestamp: Math.max(timestamp, held?.timestamp ?? timestamp),
                value:
                  (value === null
                    ? first(record.value, key, record)
                    : add(value, record.value, key, record)) ?? null,
              },
            }
          }

          const changes: Change<A>[] = []
          if (live[from]?.end !== timestamp)
            changes.push(
              added(timestamp, before && before.timestamp >= timestamp - sizeMs ? before : undefined, null),
            )
          // The latest record before this one is the last in the window before.
          const opened = before === undefined ? timestamp : endAfter(before.timestamp)
          let isOpen = opened <= timestamp
          for (const window of live.slice(from, to)) {
            if (!isOpen && window.end > opened) changes.push(added(opened, undefined, null))
            isOpen ||= window.end >= opened
            changes.push(added(window.end, window, window.value))
          }
          if (!isOpen) changes.push(added(opened, undefined, null))
          const last = live[to - 1]
          if (last && last.timestamp > timestamp && live[to]?.end !== endAfter(timestamp))
            changes.push({ window: { ...last, end: endAfter(timestamp) }, previous: null })

          lists.put(
            rawKey,
            [...live.slice(0, from), ...changes.map(({ window }) => window), ...live.slice(to)],
            known,
          )
          const watermark = context.watermark()
          for (const { window, previous } of changes) {
            const result = resultOf(rawKey, key, window, previous)
            if (window.value !== null) out.changed(result, watermark > window.end, record)
            else if (previous !== null) out.retracted(result, watermark > window.end, record)
          }
        }),
      ),
      ...out.timed(lists),
    }
  },
})

/** The index of the first window that ends at `end` or later. */
function firstFrom(live: readonly Window<unknown>[], end: number): number {
  const index = live.findLastIndex(window => window.end < end)
  return index + 1
}
