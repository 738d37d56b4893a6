/**
 * What a record has changed so far, so that a record that fails leaves no trace: in no state of the tasks
 * that it came through, and in no output.
 *
 * An attempt begins where a record enters a task, or where a result is due and goes out; attempts nest, as
 * one task calls the next. Changes of state are undone when the attempt fails, the latest first. What leaves
 * the app waits until the outermost attempt has succeeded.
 *
 * An app that stops at the first bad record has no undo log: its transaction is aborted as a whole.
 */

/** A state whose changes can be undone. */
export interface Undoable {
  put(namespace: number, key: string, value: unknown): void
  delete(namespace: number, key: string): void
}

export class UndoLog {
  readonly #undo: (() => void)[] = []
  readonly #deferred: (() => void)[] = []
  /** How many of {@link #deferred} there were when each attempt began. */
  readonly #attempts: number[] = []
  #undoing = false

  /** Whether an attempt is in progress whose changes have to be noted. */
  get isOpen(): boolean {
    return this.#attempts.length > 0 && !this.#undoing
  }

  /** An attempt begins. Gives what {@link fail} has to be told. */
  begin(): number {
    this.#attempts.push(this.#deferred.length)
    return this.#undo.length
  }

  /** The innermost attempt has succeeded. After the outermost, what waited goes out. */
  succeed(): void {
    this.#attempts.pop()
    if (this.#attempts.length > 0) return
    this.#undo.length = 0
    for (const act of this.#deferred.splice(0)) act()
  }

  /** The innermost attempt has failed: all is as it was when `begin` gave `mark`. */
  fail(mark: number): void {
    this.#deferred.length = this.#attempts.pop() ?? 0
    this.#undoing = true
    try {
      while (this.#undo.length > mark) this.#undo.pop()?.()
    } finally {
      this.#undoing = false
    }
  }

  /** A state is about to change an entry: `before` is its value, undefined for none. */
  changes(state: Undoable, namespace: number, key: string, before: unknown): void {
    this.#undo.push(() => {
      if (before === undefined) state.delete(namespace, key)
      else state.put(namespace, key, before)
    })
  }

  /** Something else was changed, which `undo` changes back. */
  note(undo: () => void): void {
    if (this.isOpen) this.#undo.push(undo)
  }

  /** Does something that cannot be undone: now, or when the attempt has succeeded. It does not fail. */
  act(act: () => void): void {
    if (this.isOpen) this.#deferred.push(act)
    else act()
  }
}
