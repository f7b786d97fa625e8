-- What does the ledger say of this order?
SELECT ledger.row_id, ledger.intent_id, ledger.status
  FROM {ledger} AS ledger
 WHERE ledger.order_key = %(order)s
 ORDER BY ledger.created, ledger.row_id
