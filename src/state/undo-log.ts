/**
 * The changes of a record so far, so that a record that fails leaves no trace: not in the states of its
 * tasks, and not in any output.
 *
 * An attempt begins when a record enters a task, or when a result is due and goes out. Attempts nest, as one
 * task calls the next. If an attempt fails, its changes of state are undone, the latest first. Output waits
 * until the outermost attempt has succeeded.
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
  /** The length of {@link #deferred} when each attempt began. */
  readonly #attempts: number[] = []
  #undoing = false

  /** Whether an attempt is in progress whose changes must be noted. */
  get isOpen(): boolean {
    return this.#attempts.length > 0 && !this.#undoing
  }

  /** Begins an attempt, and returns the mark that {@link fail} needs. */
  begin(): number {
    this.#attempts.push(this.#deferred.length)
    return this.#undo.length
  }

  /** Ends the innermost attempt as a success. After the outermost one, the deferred actions run. */
  succeed(): void {
    this.#attempts.pop()
    if (this.#attempts.length > 0) return
    this.#undo.length = 0
    for (const act of this.#deferred.splice(0)) act()
  }

  /** Ends the innermost attempt as a failure: undoes all changes since `begin` returned `mark`. */
  fail(mark: number): void {
    this.#deferred.length = this.#attempts.pop() ?? 0
    this.#undoing = true
    try {
      while (this.#undo.length > mark) this.#undo.pop()?.()
    } finally {
      this.#undoing = false
    }
  }

  /** Notes that a state is about to change an entry. `before` is the entry's value, undefined for none. */
  changes(state: Undoable, namespace: number, key: string, before: unknown): void {
    this.#undo.push(() => {
      if (before === undefined) state.delete(namespace, key)
      else state.put(namespace, key, before)
    })
  }

  /** Notes another change, which `undo` reverts. */
  note(undo: () => void): void {
    if (this.isOpen) this.#undo.push(undo)
  }

  /**
   * Runs an action that cannot be undone: now, or when the outermost attempt has succeeded. It must not fail.
   */
  act(act: () => void): void {
    if (this.isOpen) this.#deferred.push(act)
    else act()
  }
}
