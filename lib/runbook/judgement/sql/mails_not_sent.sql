-- Whose completed payment was never confirmed by mail?
SELECT ledger.row_id, ledger.intent_id, ledger.user_id, ledger.amount_minor, ledger.currency, ledger.created_at
  FROM {ledger} AS ledger
 WHERE ledger.status = ANY(%(completed)s)
   AND ledger.confirmation_sent_at IS NULL
   AND ledger.created >= %(start)s
   AND ledger.created < %(before)s
 ORDER BY ledger.created, ledger.row_id
