/** The limits of the transaction coordinator. Names, meanings and defaults: broker-configs.ts. */
import type { Configs } from '../configs/configs.ts'
import type { TransactionsContext } from './transactions.ts'

type TransactionLimits = Pick<TransactionsContext, 'timeoutMsMax' | 'expirationMs' | 'expirationCheckMs'>

export function transactionLimits(configs: Pick<Configs, 'brokerNumber'>): TransactionLimits {
  return {
    timeoutMsMax: configs.brokerNumber('transaction.max.timeout.ms'),
    expirationMs: configs.brokerNumber('transactional.id.expiration.ms'),
    expirationCheckMs: configs.brokerNumber('transaction.remove.expired.transaction.cleanup.interval.ms'),
  }
}
