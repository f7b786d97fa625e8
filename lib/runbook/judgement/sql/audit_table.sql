-- Does the ledger's database hold the runbook's audit table?
SELECT to_regclass('runbook.audit') IS NOT NULL AS present
