-- When was each of these payments recorded and confirmed?
SELECT ledger.intent_id,
       extract(epoch FROM ledger.confirmation_sent_at)::float8 AS confirmed,
       extract(epoch FROM ledger.updated)::float8 AS updated
  FROM {ledger} AS ledger
 WHERE ledger.intent_id = ANY(%(intents)s)
   AND ledger.status = ANY(%(completed)s)
 ORDER BY ledger.intent_id
