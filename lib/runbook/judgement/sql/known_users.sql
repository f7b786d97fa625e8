-- Which of these users does the service still know, and as which customer of the gateway?
SELECT users.user_id, users.customer
  FROM {users} AS users
 WHERE users.user_id = ANY(%(users)s)
 ORDER BY users.user_id
