-- Which payments did the ledger begin in the window and since?
SELECT ledger.row_id, ledger.intent_id, ledger.user_id, ledger.amount_minor, ledger.currency, ledger.status,
       ledger.order_key, ledger.created_at, ledger.confirmation_sent_at IS NOT NULL AS mail_sent
  FROM {ledger} AS ledger
 WHERE ledger.created >= %(start)s
   AND ledger.created < %(until)s
   AND ledger.intent_id <> ''
 ORDER BY ledger.created, ledger.row_id
