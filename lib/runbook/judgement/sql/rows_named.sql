-- Which rows carry this id or order, or belong to one of these users?
SELECT ledger.row_id, ledger.intent_id, ledger.order_key, ledger.created_at
  FROM {ledger} AS ledger
 WHERE lower(ledger.row_id) = lower(%(word)s)
    OR ledger.intent_id = %(word)s
    OR lower(ledger.order_key) = lower(%(word)s)
    OR ledger.user_id = ANY(%(users)s)
 ORDER BY ledger.created DESC, ledger.row_id
 LIMIT %(most)s
