/**
 * Bugs that our tests must catch, each a small patch of the sources: typical errors in a log and a stream
 * processor, which a test of a run without faults does not notice. main.ts applies them one by one;
 * bugs.test.ts keeps the patches current.
 */
import { brokerBugs } from './bugs/broker.ts'
import { csvBugs } from './bugs/csv.ts'
import { joinBugs } from './bugs/joins.ts'
import { logBugs } from './bugs/log.ts'
import { othersBugs } from './bugs/others.ts'
import { parquetBugs } from './bugs/parquet.ts'
import { portBugs } from './bugs/port.ts'
import { processBugs } from './bugs/process.ts'
import { schemaBugs } from './bugs/schema.ts'
import { serverBugs } from './bugs/server.ts'
import { stateBugs } from './bugs/state.ts'
import { streamBugs } from './bugs/stream.ts'
import { tableBugs } from './bugs/tables.ts'
import { timeBugs } from './bugs/time.ts'
import { warehouseBugs } from './bugs/warehouse.ts'
import { windowBugs } from './bugs/windows.ts'
import { wireBugs } from './bugs/wire.ts'
import type { SeededBug } from './seeded-bug.ts'

export const bugs: readonly SeededBug[] = [
  ...logBugs,
  ...brokerBugs,
  ...portBugs,
  ...schemaBugs,
  ...stateBugs,
  ...streamBugs,
  ...processBugs,
  ...tableBugs,
  ...joinBugs,
  ...timeBugs,
  ...windowBugs,
  ...othersBugs,
  ...parquetBugs,
  ...csvBugs,
  ...warehouseBugs,
  ...wireBugs,
  ...serverBugs,
]
