-- Do Stripe and the ledger agree about each payment, and if they do not, in what way?
--
-- Version 1. One row comes out for each item: a pair (a payment and its ledger row) or a lone object.
-- Every intent, charge, refund, dispute and ledger row that was read lies in exactly one item, and every
-- item has exactly one class. Amounts are whole minor units (cents; yen), times are seconds since 1970.
--
-- It reads the tables intents, charges, refunds, disputes and ledger; status_words (what the ledger's own
-- words mean); classes (outcome and priority of each class); and double_charges (what the second pass, by
-- order, found out). No step looks beyond one payment intent, so the same text may run over all payments at
-- once or over one bucket of intent ids after the other.

WITH

-- Step 1. All charges of one payment together: attempts that failed, and the one that took the money.
-- A charge that names no intent is a payment of its own.
charges_of AS (
    SELECT
        coalesce(intent_id, id) AS key,
        max(intent_id) AS intent_id,
        list(id ORDER BY id) AS ids,
        min(created_at) AS first_at,
        max(created_at) FILTER (status = 'succeeded') AS paid_at,
        CASE
            WHEN bool_or(status = 'succeeded' AND captured) THEN 'succeeded'
            WHEN bool_or(status = 'succeeded') THEN 'requires_capture'
            WHEN bool_or(status = 'pending') THEN 'processing'
            WHEN bool_and(status = 'failed') THEN 'requires_payment_method'
        END AS status,
        coalesce(sum(amount_minor) FILTER (status = 'succeeded'), max(amount_minor)) :: BIGINT AS amount_minor,
        coalesce(sum(coalesce(captured_minor, amount_minor)) FILTER (status = 'succeeded' AND captured), 0) :: BIGINT
            AS captured_minor,
        -- Stripe counts what a partial capture released as refunded, though that money was never ours.
        coalesce(sum(greatest(refunded_minor - (amount_minor - coalesce(captured_minor, amount_minor)), 0)), 0) :: BIGINT
            AS refunded_minor,
        coalesce(bool_or(disputed), false) AS disputed,
        coalesce(bool_or(livemode <> $livemode_expected), false) AS wrong_mode,
        coalesce(bool_or(status IS NULL OR status NOT IN ('succeeded', 'pending', 'failed')), false) AS unknown_word,
        min(currency) AS currency,
        max(currency) AS other_currency
    FROM charges
    GROUP BY ALL
),

-- Step 2. All refunds of one payment together. A refund under way has already left our balance; a failed or
-- canceled one has come back. The last attempt says whether the customer is still waiting.
refunds_of AS (
    SELECT
        coalesce(intent_id, charge_id, id) AS key,
        max(intent_id) AS intent_id,
        list(id ORDER BY id) AS ids,
        min(created_at) AS first_at,
        max(created_at) AS last_at,
        coalesce(sum(amount_minor) FILTER (status = 'succeeded'), 0) :: BIGINT AS settled_minor,
        coalesce(sum(amount_minor) FILTER (status IN ('pending', 'requires_action')), 0) :: BIGINT AS open_minor,
        arg_max(status, (created_at, id)) AS last_status,
        bool_or(status IS NULL OR status NOT IN ('succeeded', 'pending', 'requires_action', 'failed', 'canceled'))
            AS unknown_word,
        min(currency) AS currency,
        max(currency) AS other_currency
    FROM refunds
    GROUP BY ALL
),

-- Step 3. All disputes of one payment together. An open or a lost dispute has taken the money away, a won one
-- has given it back, and an inquiry (warning) has never moved any. The gravest one speaks for the payment.
disputes_of AS (
    SELECT
        coalesce(intent_id, charge_id, id) AS key,
        max(intent_id) AS intent_id,
        list(id ORDER BY id) AS ids,
        min(created_at) AS first_at,
        max(created_at) AS last_at,
        CASE
            WHEN bool_or(status IN ('needs_response', 'under_review', 'appeal_needs_response', 'appeal_under_review'))
                THEN 'open'
            WHEN bool_or(status = 'lost') THEN 'lost'
            WHEN bool_or(status IN ('won', 'prevented')) THEN 'won'
            ELSE 'inquiry'
        END AS state,
        coalesce(sum(amount_minor) FILTER (status IN (
            'needs_response', 'under_review', 'appeal_needs_response', 'appeal_under_review', 'lost')), 0) :: BIGINT
            AS withdrawn_minor,
        coalesce(sum(amount_minor) FILTER (status = 'lost'), 0) :: BIGINT AS lost_minor,
        coalesce(bool_or(livemode <> $livemode_expected), false) AS wrong_mode,
        bool_or(status IS NULL OR status NOT IN (
            'needs_response', 'under_review', 'appeal_needs_response', 'appeal_under_review', 'lost', 'won', 'prevented',
            'warning_needs_response', 'warning_under_review', 'warning_closed')) AS unknown_word,
        min(currency) AS currency,
        max(currency) AS other_currency
    FROM disputes
    GROUP BY ALL
),

-- Step 4. Stripe's side of each payment. Where the intent itself was not read, its charges stand in for it.
gateway AS (
    SELECT
        coalesce(i.id, c.key, r.key, d.key) AS key,
        coalesce(i.id, c.intent_id, r.intent_id, d.intent_id) AS intent_id,
        i.id IS NOT NULL AS intent_read,
        i.id IS NOT NULL OR c.key IS NOT NULL AS payment_read,
        list_concat(CASE WHEN i.id IS NULL THEN [] ELSE [i.id] END, c.ids, r.ids, d.ids) AS object_ids,
        CASE WHEN i.id IS NOT NULL THEN i.status ELSE c.status END AS status,
        CASE WHEN i.id IS NOT NULL THEN i.amount_minor ELSE c.amount_minor END AS amount_minor,
        CASE WHEN i.id IS NULL THEN c.captured_minor ELSE coalesce(i.received_minor, i.amount_minor) END
            AS received_minor,
        coalesce(i.currency, c.currency, r.currency, d.currency) AS currency,
        least(i.currency, c.currency, r.currency, d.currency)
            <> greatest(i.currency, c.other_currency, r.other_currency, d.other_currency) AS mixed_currency,
        coalesce(i.created_at, least(c.first_at, r.first_at, d.first_at)) AS created_at,
        coalesce(c.paid_at, i.created_at) AS paid_at,
        i.named_row, i.named_user, i.named_order,
        coalesce(i.livemode <> $livemode_expected, false) OR coalesce(c.wrong_mode, false)
            OR coalesce(d.wrong_mode, false) AS wrong_mode,
        coalesce(c.unknown_word, false) OR coalesce(r.unknown_word, false) OR coalesce(d.unknown_word, false)
            AS unknown_word,
        coalesce(c.captured_minor, 0) AS captured_minor,
        coalesce(r.open_minor, 0) AS refund_open_minor,
        -- The charge knows of refunds outside the window too; the larger of the two is what has gone back.
        greatest(coalesce(r.settled_minor, 0) + coalesce(r.open_minor, 0), coalesce(c.refunded_minor, 0))
            AS refunded_minor,
        r.last_status AS refund_last_status,
        r.last_at AS refund_at,
        coalesce(d.state, 'none') AS dispute_state,
        coalesce(d.withdrawn_minor, 0) AS withdrawn_minor,
        coalesce(d.lost_minor, 0) AS lost_minor,
        d.last_at AS dispute_at,
        coalesce(c.disputed, false) AND d.key IS NULL AS dispute_unread
    FROM intents AS i
    FULL JOIN charges_of AS c ON c.key = i.id
    FULL JOIN refunds_of AS r ON r.key = coalesce(i.id, c.key)
    FULL JOIN disputes_of AS d ON d.key = coalesce(i.id, c.key, r.key)
),

-- Step 5. The ledger's side of each payment. Where several rows name one intent, the row that claims money
-- stands beside it (the oldest, if several do), and the others are items of their own.
ledger_rows AS (
    SELECT
        l.*,
        w.meaning,
        coalesce(w.meaning IN ('completed', 'refunded', 'disputed'), false) AS claims_money,
        CASE WHEN l.intent_id IS NULL THEN 1 ELSE count(*) OVER (PARTITION BY l.intent_id) END AS rows_for_intent,
        row_number() OVER (
            PARTITION BY l.intent_id
            ORDER BY claims_money DESC, l.created_at NULLS LAST, l.row_id
        ) AS place
    FROM ledger AS l
    LEFT JOIN status_words AS w ON w.word = l.status
),

-- Step 6. Side by side: intent id to intent id, never charge id to intent id.
-- What was received, given back and withdrawn counts only once the payment has succeeded.
side_by_side AS (
    SELECT
        g.* EXCLUDE (intent_id, status, currency, created_at, wrong_mode, object_ids),
        g.key IS NOT NULL AS has_gateway,
        l.row_id IS NOT NULL AS has_row,
        coalesce(g.intent_id, l.intent_id) AS intent_id,
        l.row_id,
        coalesce(list_sort(g.object_ids), [] :: VARCHAR[]) AS object_ids,
        coalesce(l.user_id, g.named_user) AS user_id,
        coalesce(l.order_key, g.named_order) AS order_key,
        l.user_id AS row_user, l.order_key AS row_order,
        g.currency AS gateway_currency, l.currency AS ledger_currency,
        g.status AS gateway_status, l.status AS ledger_status, l.meaning,
        CASE WHEN g.status = 'succeeded' THEN g.received_minor ELSE g.amount_minor END AS gateway_minor,
        l.amount_minor AS ledger_minor,
        coalesce(l.claims_money, false) AS claims_money,
        coalesce(l.rows_for_intent, 0) AS rows_for_intent,
        g.created_at AS gateway_at,
        l.created_at AS row_at,
        coalesce(l.updated_at, l.created_at) AS row_changed_at,
        coalesce(g.created_at, l.created_at) AS created_at,
        coalesce(g.wrong_mode, false) AS wrong_mode,
        coalesce(g.status = 'succeeded', false) AS paid,
        coalesce(g.dispute_state, 'none') AS dispute,
        o.kept_intent_id
    FROM gateway AS g
    FULL JOIN ledger_rows AS l ON g.key = CASE WHEN l.place = 1 THEN l.intent_id END
    LEFT JOIN double_charges AS o ON o.intent_id = g.key
),

-- Step 7. What each side believes to be ours today: received, less refunds and disputes. The ledger has one word
-- for a dispute or a refund and no amount, so how much went is taken from Stripe; test money is no money.
held AS (
    SELECT
        *,
        refunded_minor - refund_open_minor AS refund_settled_minor,
        CASE
            WHEN NOT has_gateway THEN 0
            WHEN NOT payment_read OR (NOT intent_read AND intent_id IS NOT NULL AND NOT has_row) THEN NULL
            WHEN paid AND NOT wrong_mode THEN received_minor - refunded_minor - withdrawn_minor
            ELSE 0
        END AS gateway_held_minor,
        CASE
            WHEN NOT has_row THEN 0
            WHEN meaning = 'completed' THEN ledger_minor
            WHEN meaning = 'disputed' AND dispute IN ('open', 'lost', 'inquiry')
                THEN ledger_minor - refunded_minor - withdrawn_minor
            WHEN meaning IS NOT NULL THEN 0
        END AS ledger_held_minor
    FROM side_by_side
),

-- Step 8. THE RULES, in order: the first that fits decides. Before the colon stands the class, after it the reason.
ruled AS (
    SELECT
        *,
        CASE
        -- A. May the two sides be compared at all? Anything below would be nonsense if not.
        WHEN wrong_mode
            THEN 'mode_mixed: a Stripe object of the other mode (test or live) stands in this environment'
        WHEN rows_for_intent > 1
            THEN 'duplicate_rows: several ledger rows name this one payment'
        -- A word that nobody has explained must not be guessed at, so this comes before every rule that reads words.
        WHEN has_row AND meaning IS NULL
            THEN 'unclassified: the status map does not know the status word of this row'
        WHEN unknown_word OR (payment_read AND (gateway_status IS NULL OR gateway_status NOT IN (
                'succeeded', 'processing', 'requires_capture', 'requires_action', 'requires_confirmation',
                'requires_payment_method', 'canceled')))
            THEN 'unclassified: Stripe uses a status word that these rules do not know'
        WHEN mixed_currency OR (intent_read AND paid AND captured_minor > received_minor)
            THEN 'unclassified: Stripe''s own objects about this payment contradict each other'
        WHEN paid AND (received_minor IS NULL OR gateway_currency IS NULL)
            THEN 'unclassified: Stripe''s payment carries no amount or no currency'

        -- B. Only one side is there. Settled first, because every later rule compares two.
        WHEN has_gateway AND NOT payment_read AND intent_id IS NULL
            THEN 'lone_object: a refund or dispute whose charge was not read'
        WHEN has_gateway AND NOT intent_read AND intent_id IS NOT NULL AND NOT (payment_read AND has_row)
            THEN 'lone_object: it names a payment that was not read; look that payment up by its id'
        WHEN NOT has_gateway AND intent_id IS NULL AND claims_money
            THEN 'no_intent_id: the row claims money and names no payment at Stripe'
        WHEN NOT has_gateway AND intent_id IS NULL AND meaning = 'pending' AND row_at + $stuck_after > $as_of
            THEN 'in_progress: the checkout has just begun'
        WHEN NOT has_gateway AND intent_id IS NULL
            THEN 'never_reached_gateway: the checkout broke off before Stripe knew of it'
        WHEN NOT has_gateway AND claims_money
            THEN 'recorded_not_paid: the row claims money for a payment that Stripe does not have'
        WHEN NOT has_gateway
            THEN 'intent_not_found: the row names a payment that Stripe does not have'

        -- C. Do we know which payment it is, and whether it ought to stand? A doubt here outranks every difference
        -- below, because the usual cure (let the row follow Stripe) would be the wrong one.
        WHEN kept_intent_id IS NOT NULL
            THEN 'double_charge: the same order was already paid by ' || kept_intent_id
        WHEN has_row AND named_row <> row_id
            THEN 'metadata_mismatch: the payment''s metadata names another ledger row'
        WHEN has_row AND named_user <> row_user
            THEN 'metadata_mismatch: the payment''s metadata names another user'
        WHEN has_row AND named_order <> row_order
            THEN 'metadata_mismatch: the payment''s metadata names another order'
        WHEN paid AND refunded_minor + withdrawn_minor > received_minor
            THEN 'over_refund: refunds and disputes together took more than the payment brought'
        WHEN paid AND refund_last_status = 'failed' AND refunded_minor + lost_minor < received_minor
            THEN 'failed_refund: the last refund failed and the customer does not have the money'

        -- D. Stripe was not paid. Amounts do not matter then; only a row that claims money is wrong.
        WHEN NOT paid AND claims_money
            THEN 'completed_but_unpaid: the row claims money and Stripe was not paid'
        WHEN gateway_status IN ('processing', 'requires_capture')
            THEN 'in_progress: Stripe is still ' || CASE gateway_status
                WHEN 'processing' THEN 'processing the payment' ELSE 'waiting for the capture' END
        WHEN NOT paid AND meaning IN ('failed', 'canceled')
            THEN 'failed_matched: no payment on either side'
        WHEN NOT paid AND gateway_status <> 'canceled' AND gateway_at + $stuck_after > $as_of
            THEN 'in_progress: the customer may still be paying'
        WHEN NOT paid
            THEN 'abandoned: nobody paid and nobody claims so'

        -- E. Paid and given back in full, while the ledger never counted it: nothing is owed, whatever the amounts.
        WHEN (NOT has_row OR meaning IN ('failed', 'canceled')) AND received_minor > 0
                AND refund_settled_minor + lost_minor >= received_minor
            THEN 'given_back: Stripe returned the whole payment and the ledger never counted it'
        WHEN (NOT has_row OR meaning IN ('failed', 'canceled')) AND received_minor > 0
                AND refunded_minor + lost_minor >= received_minor
            THEN 'in_progress: a refund of the whole payment is under way'
        WHEN NOT has_row
            THEN 'paid_not_recorded: Stripe has the money and the ledger has no row'

        -- F. Is it the same money? Before the status, because settling a row with a wrong amount books a wrong amount.
        WHEN ledger_currency IS DISTINCT FROM gateway_currency
            THEN 'currency_differs: the two sides name different currencies'
        WHEN ledger_minor IS DISTINCT FROM received_minor AND ledger_minor = amount_minor
                AND received_minor < amount_minor
            THEN 'partial_capture: the row holds the authorised amount and Stripe captured less'
        WHEN ledger_minor <> received_minor AND gateway_currency NOT IN (SELECT unnest($three_decimal))
                AND (ledger_minor :: HUGEINT * 100 = received_minor OR received_minor :: HUGEINT * 100 = ledger_minor)
            THEN 'unit_error: one amount is exactly 100 times the other' || CASE
                WHEN gateway_currency IN (SELECT unnest($zero_decimal)) THEN '; ' || upper(gateway_currency)
                || ' has no cents' ELSE ': major and minor units are mixed up' END
        WHEN ledger_minor <> received_minor AND gateway_currency IN (SELECT unnest($three_decimal))
                AND (ledger_minor :: HUGEINT * 10 = received_minor OR received_minor :: HUGEINT * 10 = ledger_minor
                OR ledger_minor :: HUGEINT * 1000 = received_minor OR received_minor :: HUGEINT * 1000 = ledger_minor)
            THEN 'unit_error: one amount is exactly 10 or 1000 times the other; ' || upper(gateway_currency)
                || ' has three decimals'
        WHEN ledger_minor IS DISTINCT FROM received_minor
            THEN 'amount_differs: the two sides name different amounts'

        -- G. Did the money leave again? Before the plain status, because a row must not be completed for money that
        -- has gone. Disputes before refunds: a ledger with one status word shows the dispute.
        WHEN dispute_unread
            THEN 'unclassified: Stripe''s charge was disputed and the dispute itself was not read'
        WHEN dispute = 'open' AND meaning <> 'disputed'
            THEN 'dispute_not_recorded: a dispute is open and the row does not show it'
        WHEN dispute = 'lost' AND meaning <> 'disputed'
                AND NOT (meaning = 'refunded' AND refunded_minor + lost_minor >= received_minor)
            THEN 'dispute_differs: the dispute was lost and the row does not show it'
        WHEN dispute = 'won' AND meaning = 'disputed'
            THEN 'dispute_differs: the dispute is over, the money is ours, and the row still shows a dispute'
        WHEN dispute = 'none' AND meaning = 'disputed'
            THEN 'dispute_differs: the row shows a dispute and Stripe knows of none'
        WHEN meaning = 'refunded' AND refunded_minor + lost_minor < received_minor
            THEN CASE WHEN refunded_minor + lost_minor = 0
                THEN 'refund_differs: the row says refunded and Stripe has given nothing back'
                ELSE 'refund_differs: the row says refunded and Stripe has given back only a part' END
        WHEN meaning IN ('pending', 'completed') AND received_minor > 0 AND refund_settled_minor >= received_minor
            THEN 'refund_not_recorded: Stripe gave the whole payment back and the row does not show it'
        WHEN meaning IN ('pending', 'completed') AND received_minor > 0 AND refunded_minor >= received_minor
            THEN 'in_progress: a refund of the whole payment is under way'

        -- H. The plain status: the money is there and still ours.
        WHEN meaning = 'pending'
            THEN 'paid_but_pending: Stripe has the money and the row is still pending'
        WHEN meaning = 'failed'
            THEN 'paid_but_failed: Stripe has the money and the row says that the payment failed'
        WHEN meaning = 'canceled'
            THEN 'paid_but_failed: Stripe has the money and the row says that the payment was canceled'
        WHEN meaning = 'completed' AND refunded_minor > 0
            THEN 'partly_refunded: Stripe gave a part back, for which the ledger has no word'

        -- I. Agreement is stated, never assumed: whatever fits no rule is not matched.
        WHEN paid AND ledger_minor = received_minor AND ledger_currency = gateway_currency AND claims_money
            THEN 'matched: both sides agree'
        ELSE 'unclassified: no rule fits; this is a gap in the rules'
        END AS rule
    FROM held
),

-- Step 9. When is it late? The other side gets its grace: the ledger after Stripe's last movement, Stripe after the
-- row's last change. What waiting cannot cure has no such moment.
timed AS (
    SELECT
        *,
        split_part(rule, ': ', 1) AS found,
        CASE found
            WHEN 'paid_not_recorded' THEN paid_at + $ledger_grace
            WHEN 'paid_but_pending' THEN paid_at + $ledger_grace
            WHEN 'paid_but_failed' THEN paid_at + $ledger_grace
            WHEN 'partial_capture' THEN paid_at + $ledger_grace
            WHEN 'refund_not_recorded' THEN coalesce(refund_at, paid_at) + $ledger_grace
            WHEN 'dispute_not_recorded' THEN dispute_at + $ledger_grace
            WHEN 'dispute_differs' THEN coalesce(dispute_at + $ledger_grace, row_changed_at + $gateway_grace)
            WHEN 'refund_differs' THEN row_changed_at + $gateway_grace
            WHEN 'completed_but_unpaid' THEN row_changed_at + $gateway_grace
            WHEN 'recorded_not_paid' THEN row_changed_at + $gateway_grace
            WHEN 'intent_not_found' THEN row_changed_at + $gateway_grace
        END AS due_at,
        -- A lone side this close to the edge may have its other side outside the window.
        CASE
            WHEN found = 'paid_not_recorded'
                THEN gateway_at < $window_start + $ledger_grace OR gateway_at > $window_end - $ledger_grace
            WHEN found IN ('recorded_not_paid', 'intent_not_found')
                THEN row_at < $window_start + $gateway_grace OR row_at > $window_end - $gateway_grace
        END AS near_edge
    FROM ruled
),

-- Step 10. The class: what was found, unless it is not due yet, or the window is too narrow to tell.
classed AS (
    SELECT
        *,
        CASE
            WHEN due_at > $as_of THEN 'in_grace'
            WHEN near_edge AND NOT $counterparts_asked_by_id THEN 'window_edge'
            ELSE found
        END AS class
    FROM timed
)

-- Step 11. The result, in an order that is the same from run to run.
SELECT
    CASE WHEN has_gateway AND has_row THEN 'both' WHEN has_gateway THEN 'gateway' ELSE 'ledger' END AS side,
    intent_id, row_id, object_ids, user_id, order_key,
    class, c.outcome, c.priority,
    CASE
        WHEN created_at IS NULL THEN 'unknown'
        WHEN ($as_of - created_at) // 86400 <= 1 THEN '0-1 d'
        WHEN ($as_of - created_at) // 86400 <= 7 THEN '2-7 d'
        WHEN ($as_of - created_at) // 86400 <= 30 THEN '8-30 d'
        ELSE '>30 d'
    END AS age_bucket,
    coalesce(gateway_currency, ledger_currency) AS currency,
    gateway_minor, ledger_minor,
    -- Amounts of two currencies have no difference, unless neither side holds anything.
    CASE WHEN has_gateway AND has_row AND gateway_currency IS DISTINCT FROM ledger_currency
            AND NOT (gateway_held_minor = 0 AND ledger_held_minor = 0) THEN NULL
         ELSE gateway_held_minor - ledger_held_minor END AS difference_minor,
    gateway_status, ledger_status, created_at,
    CASE WHEN c.outcome = 'break' OR class = 'in_grace' THEN coalesce(due_at, created_at) END AS break_on,
    substr(rule, length(found) + 3) AS reason,
    CASE WHEN class <> found THEN found END AS would_be,
    ledger_currency, meaning AS ledger_meaning, gateway_held_minor, ledger_held_minor, paid_at,
    named_row AS metadata_row_id, named_user AS metadata_user_id
FROM classed
LEFT JOIN classes AS c USING (class)
ORDER BY created_at NULLS FIRST, intent_id NULLS FIRST, row_id NULLS FIRST, object_ids
