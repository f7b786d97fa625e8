-- How many items and how much money lie in each class and currency?
--
-- An item counts once, under its own currency. Where the two sides name different currencies, each amount is
-- summed under its own one, so that nothing is added across currencies.
WITH
at_gateway AS (
    SELECT
        class, outcome, priority, currency,
        count(*) AS items,
        coalesce(sum(gateway_minor), 0) AS gateway_minor,
        0 AS ledger_minor,
        coalesce(sum(difference_minor), 0) AS difference_minor
    FROM items
    GROUP BY ALL
),
in_ledger AS (
    SELECT
        class, outcome, priority, ledger_currency AS currency,
        0 AS items,
        0 AS gateway_minor,
        sum(ledger_minor) AS ledger_minor,
        0 AS difference_minor
    FROM items
    WHERE ledger_minor IS NOT NULL
    GROUP BY ALL
)
SELECT
    class, outcome, priority, currency,
    sum(items) AS items,
    sum(gateway_minor) AS gateway_minor,
    sum(ledger_minor) AS ledger_minor,
    sum(difference_minor) AS difference_minor
FROM (FROM at_gateway UNION ALL FROM in_ledger)
GROUP BY ALL
ORDER BY priority, class, currency NULLS FIRST
