-- What the loop learned, dropped and acted on since midnight UTC, newest first.
select at, component, event, message
from learning_log
where at >= date_trunc('day', now() at time zone 'UTC') at time zone 'UTC'
  and event in ('lesson_activated', 'lesson_deprecated', 'override_created', 'override_changed', 'override_disabled',
    'allocation_moved', 'strand_rejected')
order by id desc
limit 500;
