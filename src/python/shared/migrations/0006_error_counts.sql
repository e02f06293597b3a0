-- How many errors of each fault there were in each hour, so that the faults can be listed without a
-- look at the errors. A statement that writes errors adds a row for each fault and hour in it, in its
-- own transaction; rows are only added, so no sink waits for another. merge_error_counts makes one of
-- those of the same fault and hour. Deleted errors count below zero.
SET LOCAL lock_timeout = '10s';

CREATE TABLE error_counts (
    fingerprint text NOT NULL,
    service text NOT NULL,
    environment text NOT NULL,
    hour timestamptz NOT NULL,
    count bigint NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,
    type text NOT NULL,
    message text NOT NULL, -- how the last one's begins
    added_at timestamptz NOT NULL DEFAULT now(),
    added_by xid8 DEFAULT pg_current_xact_id() -- null in a merged row, which every snapshot has
);
CREATE INDEX error_counts_by_hour ON error_counts (hour);
CREATE INDEX error_counts_by_fingerprint ON error_counts (fingerprint, hour);
CREATE INDEX error_counts_to_merge ON error_counts (added_at) WHERE added_by IS NOT NULL;

CREATE FUNCTION count_errors() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO error_counts
        (fingerprint, service, environment, hour, count, first_seen, last_seen, type, message)
    SELECT fingerprint, service, environment, date_trunc('hour', occurred_at, 'UTC') AS hour,
        CASE TG_OP WHEN 'INSERT' THEN count(*) ELSE -count(*) END,
        min(occurred_at), max(occurred_at), min(type),
        (array_agg(left(message, 300) ORDER BY occurred_at DESC))[1]
    FROM changed GROUP BY fingerprint, service, environment, hour;
    RETURN NULL;
END
$$;
CREATE TRIGGER count_inserted AFTER INSERT ON errors REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION count_errors();
CREATE TRIGGER count_deleted AFTER DELETE ON errors REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION count_errors();

-- Nobody writes errors now: the triggers' lock is held.
INSERT INTO error_counts
    (fingerprint, service, environment, hour, count, first_seen, last_seen, type, message, added_by)
SELECT fingerprint, service, environment, date_trunc('hour', occurred_at, 'UTC') AS hour,
    count(*), min(occurred_at), max(occurred_at), min(type), max(left(message, 300)), NULL
FROM errors GROUP BY fingerprint, service, environment, hour;

-- The errors of a fault, newest first.
CREATE INDEX errors_by_fingerprint ON errors (fingerprint, occurred_at, event_id);
-- Those among the logs that someone looks for: most have other levels and cost nothing here.
CREATE INDEX logs_by_severity ON logs (occurred_at, event_id)
    WHERE level IN ('WARNING', 'ERROR', 'CRITICAL');
CREATE INDEX quarantine_by_time
    ON quarantine (quarantined_at, stream, shard_id, sequence_number, event_index);

DO $$
BEGIN
    CREATE ROLE sluice_counts NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- Roles belong to the server, not to the database: another may have made it.
END
$$;
GRANT SELECT ON error_counts TO sluice_web;
GRANT SELECT, INSERT, DELETE ON error_counts TO sluice_counts;

-- As before, and the counts go with what they count.
CREATE OR REPLACE FUNCTION drop_partitions(parent text, before timestamptz) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
DECLARE
    name text;
    dropped text[] := '{}';
BEGIN
    FOR name IN
        SELECT child.relname FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
        WHERE inhparent = to_regclass(parent) AND child.relname ~ '_[0-9]{8}$'
            AND parent IN ('logs', 'errors')
            AND to_date(right(child.relname, 8), 'YYYYMMDD') < (before AT TIME ZONE 'UTC')::date
        ORDER BY child.relname
    LOOP
        EXECUTE format('DROP TABLE %I', name);
        dropped := dropped || name;
    END LOOP;
    IF parent = 'errors' THEN
        DELETE FROM error_counts WHERE hour < date_trunc('day', before, 'UTC');
    END IF;
    RETURN dropped;
END
$$;
