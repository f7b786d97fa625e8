-- Which orders were paid for by more than one payment, and which of the payments ought to go back?
--
-- The second pass, by order: its payments may lie in different buckets of intent ids. It reads items (what
-- classify.sql found). Of the payments whose money is still ours, an order keeps the one that the ledger has as
-- completed, or else the earliest; each other one is a double charge.
WITH paid AS (
    SELECT
        order_key,
        intent_id,
        first_value(intent_id) OVER by_order AS kept_intent_id,
        row_number() OVER by_order AS place
    FROM items
    WHERE order_key IS NOT NULL
        AND intent_id IS NOT NULL
        AND side <> 'ledger'
        AND gateway_status = 'succeeded'
        AND gateway_held_minor > 0
    WINDOW by_order AS (
        PARTITION BY order_key
        ORDER BY coalesce(ledger_meaning = 'completed', false) DESC, created_at, intent_id
    )
)
SELECT intent_id, kept_intent_id, order_key
FROM paid
WHERE place > 1
ORDER BY intent_id
