-- How many checkouts did the ledger gain, ten minutes at a time?
SELECT ledger.created_at / 600 * 600 AS since, count(*) AS checkouts
  FROM {ledger} AS ledger
 WHERE ledger.created >= %(start)s
   AND ledger.created < %(end)s
 GROUP BY 1
 ORDER BY 1
