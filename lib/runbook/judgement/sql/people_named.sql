-- Whom does the service know by this address, user id or customer of the gateway?
SELECT users.user_id, users.customer
  FROM {users} AS users
 WHERE lower(users.email) = ANY(%(emails)s)
    OR users.user_id = ANY(%(users)s)
    OR users.customer = ANY(%(customers)s)
 ORDER BY users.user_id
