-- Which users are stored with one of these customer ids?
SELECT users.user_id, users.customer
  FROM {users} AS users
 WHERE users.customer = ANY(%(customers)s)
 ORDER BY users.user_id
