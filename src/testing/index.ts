/** testing: tools for the tests of programs that use millrace. */
export {
  testApp,
  type TestApp,
  type TestAppOptions,
  type TestDeadLetter,
  type TestInput,
  type TestOutput,
  type TestRecord,
  type TestResult,
} from './test-app.ts'
export {
  logPortConformance,
  type ConformanceCase,
  type LogPortConformance,
  type PortUnderTest,
} from '../port/conformance/index.ts'
export { startBroker, type TestBroker, type TestBrokerOptions } from './start-broker.ts'
export { type BrokerFault, type PlannedFault, type RequestName } from './broker-faults.ts'
export { virtualClock, type VirtualClock } from './virtual-clock.ts'
export { type KafkaError } from '../broker/index.ts'
export { seededRandom, type Random } from '../base/index.ts'
