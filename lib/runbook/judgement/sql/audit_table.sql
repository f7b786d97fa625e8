-- Does the ledger's database hold the runbook's audit table?
-- Asked of the catalogue, because the reading role has no right to the schema, and needs none.
SELECT EXISTS (
         SELECT 1
           FROM pg_catalog.pg_class AS relation
           JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = relation.relnamespace
          WHERE namespace.nspname = 'runbook'
            AND relation.relname = 'audit'
       ) AS present
