-- What of each kind and currency arrived in the items, how much of it twice, and do the differences add up?
--
-- Read back from the finished items, so that it is a second path to the totals that were taken when the objects
-- were read: both must agree, or the reconciliation is incomplete.
WITH
landed AS (SELECT unnest(object_ids) AS id FROM items),
arrived AS (
    SELECT 'intents' AS kind, id, currency, amount_minor FROM landed JOIN intents USING (id)
    UNION ALL SELECT 'charges', id, currency, amount_minor FROM landed JOIN charges USING (id)
    UNION ALL SELECT 'refunds', id, currency, amount_minor FROM landed JOIN refunds USING (id)
    UNION ALL SELECT 'disputes', id, currency, amount_minor FROM landed JOIN disputes USING (id)
    UNION ALL SELECT 'ledger', l.row_id, l.currency, l.amount_minor FROM items JOIN ledger AS l USING (row_id)
),
-- Held at Stripe, less counted by the ledger, is what the differences must explain. An item whose sides name two
-- currencies has no difference of its own; its two amounts are explained one by one.
sides AS (
    SELECT currency, gateway_held_minor AS held, coalesce(difference_minor, gateway_held_minor) AS explained
    FROM items WHERE gateway_held_minor IS NOT NULL AND side <> 'ledger'
    UNION ALL
    SELECT ledger_currency, -ledger_held_minor,
        CASE WHEN side = 'ledger' THEN difference_minor
             WHEN difference_minor IS NULL OR gateway_held_minor IS NULL THEN -ledger_held_minor
             ELSE 0 END
    FROM items WHERE ledger_held_minor IS NOT NULL AND side <> 'gateway'
)
SELECT kind, currency, count(*) AS objects, count(*) - count(DISTINCT id) AS twice,
    coalesce(sum(amount_minor), 0) AS amount_minor, NULL AS explained_minor
FROM arrived GROUP BY ALL
UNION ALL
SELECT 'held', currency, count(*), 0, sum(held), sum(explained) FROM sides GROUP BY ALL
ORDER BY kind, currency NULLS FIRST
