-- Which payments of the window does the ledger still call pending?
SELECT ledger.row_id, ledger.intent_id, ledger.user_id, ledger.amount_minor, ledger.currency, ledger.created_at
  FROM {ledger} AS ledger
 WHERE ledger.status = ANY(%(pending)s)
   AND ledger.created >= %(start)s
   AND ledger.created < %(before)s
 ORDER BY ledger.created, ledger.row_id
