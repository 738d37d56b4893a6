/**
 * Named locks within one log. The data directory belongs to one process, so holding them in memory is enough:
 * they end with it.
 */
import { MillraceError } from '../base/index.ts'

export class Locks {
  readonly #holders = new Map<string, string>()

  /** Throws APP_ALREADY_RUNNING, which names the holder. */
  take(name: string, holder: string): { release(): Promise<void> } {
    const other = this.#holders.get(name)
    if (other !== undefined)
      throw new MillraceError(
        'APP_ALREADY_RUNNING',
        `'${name}' is already held by ${other}. Stop that one first.`,
      )
    this.#holders.set(name, holder)
    let held = true
    return {
      release: async () => {
        if (held) this.#holders.delete(name)
        held = false
      },
    }
  }

  /** The holder of the lock. */
  holder(name: string): string | undefined {
    return this.#holders.get(name)
  }

  clear(): void {
    this.#holders.clear()
  }
}
