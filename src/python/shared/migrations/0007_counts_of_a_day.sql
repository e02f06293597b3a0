-- For merge_error_counts, which makes one row for a day of those for its hours: what is still to be
-- merged. A row of a day has its first hour, and what sinks add is not in this index.
SET LOCAL lock_timeout = '10s';

CREATE INDEX error_counts_to_merge_into_days ON error_counts (hour)
    WHERE added_by IS NULL AND extract(hour FROM hour AT TIME ZONE 'UTC') <> 0;
