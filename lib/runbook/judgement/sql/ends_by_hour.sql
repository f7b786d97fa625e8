-- How did the payments of each past hour end, as the ledger has it?
SELECT (%(until)s - 1 - ledger.created_at) / 3600 AS hours_ago,
       ledger.status,
       coalesce(ledger.failure_reason, '') AS reason,
       count(*) AS payments
  FROM {ledger} AS ledger
 WHERE ledger.created >= %(start)s
   AND ledger.created < %(end)s
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3
