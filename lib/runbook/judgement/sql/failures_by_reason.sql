-- Why did payments of the window fail?
SELECT coalesce(ledger.failure_reason, '(no reason noted)') AS reason,
       count(*) AS payments,
       count(DISTINCT ledger.user_id) AS users,
       max(ledger.created_at) AS last_at
  FROM {ledger} AS ledger
 WHERE ledger.status = ANY(%(failed)s)
   AND ledger.created >= %(start)s
   AND ledger.created < %(end)s
 GROUP BY 1
 ORDER BY 2 DESC, 1
