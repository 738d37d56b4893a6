/** The limits of consumer groups, with Kafka's names and defaults. */
export interface GroupSettings {
  /** `group.initial.rebalance.delay.ms`: an empty group waits this long for more members. Default 0. */
  readonly initialRebalanceDelayMs?: number
  /** `group.max.size`: members of one group. Default 2,147,483,647. */
  readonly sizeMax?: number
  /** `group.min.session.timeout.ms`. Default 6 s. */
  readonly sessionTimeoutMsMin?: number
  /** `group.max.session.timeout.ms`. Default 30 min. */
  readonly sessionTimeoutMsMax?: number
}

export const groupSettingsDefault: Required<GroupSettings> = {
  initialRebalanceDelayMs: 0,
  sizeMax: 2 ** 31 - 1,
  sessionTimeoutMsMin: 6000,
  sessionTimeoutMsMax: 30 * 60_000,
}
