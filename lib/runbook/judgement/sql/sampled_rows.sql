-- Which intents do the ledger's rows name, spread over the window and some from before it?
SELECT found.intent_id, found.created
  FROM generate_series(0, 5) AS part
 CROSS JOIN LATERAL (
       SELECT ledger.intent_id, ledger.created
         FROM {ledger} AS ledger
        WHERE ledger.intent_id <> ''
          AND ledger.created >= %(start)s + (%(end)s - %(start)s) * part / 6
          AND ledger.created < %(start)s + (%(end)s - %(start)s) * (part + 1) / 6
        ORDER BY ledger.created DESC, ledger.row_id
        LIMIT 1) AS found
 UNION ALL
(SELECT ledger.intent_id, ledger.created
   FROM {ledger} AS ledger
  WHERE ledger.intent_id <> ''
    AND ledger.created < %(start)s
  ORDER BY ledger.created DESC, ledger.row_id
  LIMIT 3)
 ORDER BY created, intent_id
