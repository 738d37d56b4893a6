/** The limits of consumer groups. Names, meanings and defaults: broker-configs.ts. */
import type { Configs } from '../configs/configs.ts'

export interface GroupSettings {
  readonly initialRebalanceDelayMs: number
  readonly sizeMax: number
  readonly sessionTimeoutMsMin: number
  readonly sessionTimeoutMsMax: number
}

export function groupSettings(configs: Pick<Configs, 'brokerNumber'>): GroupSettings {
  return {
    initialRebalanceDelayMs: configs.brokerNumber('group.initial.rebalance.delay.ms'),
    sizeMax: configs.brokerNumber('group.max.size'),
    sessionTimeoutMsMin: configs.brokerNumber('group.min.session.timeout.ms'),
    sessionTimeoutMsMax: configs.brokerNumber('group.max.session.timeout.ms'),
  }
}
