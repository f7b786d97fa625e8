-- Which intents do the ledger's newest rows name?
SELECT ledger.intent_id
  FROM {ledger} AS ledger
 WHERE ledger.intent_id <> ''
 ORDER BY ledger.created DESC, ledger.row_id
 LIMIT 5
