-- Which orders of the window has the ledger completed more than once?
SELECT ledger.order_key,
       count(*) AS payments,
       count(DISTINCT ledger.user_id) AS users,
       max(ledger.created_at) AS last_at
  FROM {ledger} AS ledger
 WHERE ledger.status = ANY(%(completed)s)
   AND ledger.order_key <> ''
   AND ledger.created >= %(start)s
   AND ledger.created < %(end)s
 GROUP BY 1
HAVING count(*) > 1
 ORDER BY 2 DESC, 1
