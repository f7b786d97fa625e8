-- Which of these events does the service say it has handled?
SELECT events.event_id
  FROM {events} AS events
 WHERE events.event_id = ANY(%(events)s)
 ORDER BY events.event_id
