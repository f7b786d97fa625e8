-- Which rows did the ledger gain in the window?
SELECT ledger.row_id, ledger.intent_id, ledger.user_id, ledger.amount_minor, ledger.currency, ledger.status,
       ledger.order_key, ledger.created_at, ledger.updated_at
  FROM {ledger} AS ledger
 WHERE ledger.created >= %(start)s
   AND ledger.created < %(end)s
 ORDER BY ledger.created, ledger.row_id
