-- Which rows belong to these orders?
SELECT ledger.row_id, ledger.intent_id, ledger.order_key, ledger.created_at
  FROM {ledger} AS ledger
 WHERE ledger.order_key = ANY(%(orders)s)
 ORDER BY ledger.created, ledger.row_id
