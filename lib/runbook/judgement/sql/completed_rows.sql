-- Which payments of the window does the ledger call completed?
SELECT ledger.row_id, ledger.intent_id, ledger.user_id, ledger.amount_minor, ledger.currency, ledger.created_at
  FROM {ledger} AS ledger
 WHERE ledger.status = ANY(%(paid)s)
   AND ledger.created >= %(start)s
   AND ledger.created < %(end)s
 ORDER BY ledger.created, ledger.row_id
