-- Which rows of the window name no payment intent?
SELECT ledger.row_id, ledger.user_id, ledger.amount_minor, ledger.currency, ledger.status, ledger.created_at
  FROM {ledger} AS ledger
 WHERE coalesce(ledger.intent_id, '') = ''
   AND ledger.created >= %(start)s
   AND ledger.created < %(end)s
 ORDER BY ledger.created, ledger.row_id
