-- What does the ledger say of these payment intents?
SELECT ledger.row_id, ledger.intent_id, ledger.user_id, ledger.amount_minor, ledger.currency, ledger.status,
       ledger.order_key, ledger.created_at, ledger.updated_at, ledger.updated,
       ledger.confirmation_sent_at IS NOT NULL AS mail_sent
  FROM {ledger} AS ledger
 WHERE ledger.intent_id = ANY(%(intents)s)
 ORDER BY ledger.created, ledger.row_id
