-- How can these users be reached?
SELECT users.user_id, users.email
  FROM {users} AS users
 WHERE users.user_id = ANY(%(users)s)
 ORDER BY users.user_id
