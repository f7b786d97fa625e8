-- What does the ledger say of these payments, in full?
SELECT ledger.row_id, ledger.intent_id, ledger.user_id, ledger.order_key, ledger.amount_minor, ledger.currency,
       ledger.status, ledger.failure_reason, ledger.created_at, ledger.updated_at,
       floor(extract(epoch FROM ledger.confirmation_sent_at))::bigint AS mail_at
  FROM {ledger} AS ledger
 WHERE ledger.intent_id = ANY(%(intents)s)
 ORDER BY ledger.created, ledger.row_id
