/** Bugs of base, connectors and the composition root. */
import type { SeededBug } from '../seeded-bug.ts'

export const othersBugs: readonly SeededBug[] = [
  {
    name: 'time in which nobody could act: a stall counts in full',
    file: 'src/base/active-clock.ts',
    find: 'Math.min(elapsedMs, lateStepsMax * this.#stepMs)',
    replace: 'elapsedMs',
    tests: ['test/broker/stopped.test.ts', 'test/app/stopped.test.ts'],
  },
  {
    name: 'a run fails silently: its outcome has a handler of its own',
    file: 'src/base/outcome.ts',
    find: '    })()\n  }\n',
    replace: '    })()\n    this.#outcome.catch(() => {})\n  }\n',
    tests: ['test/app/endings.test.ts'],
  },
  {
    name: 'a log closes without waiting for the apps over it',
    file: 'src/create-app.ts',
    find: "        ask('stop')\n        return outcome.ended\n",
    replace: "        ask('stop')\n        return Promise.resolve()\n",
    tests: ['test/app/endings.test.ts'],
  },
]
