-- A partition for each day, so that retention drops a table instead of deleting rows. They go by the
-- event_id: in a UUIDv7, which producers make, it begins with the time, and as the whole key it stays
-- unique over all partitions. The default one has all that is there already, and ids of other kinds.
--
-- Nothing is rewritten: the table becomes the default partition, with its rows and indexes. Sinks
-- that write wait for the lock no longer than this and try again.
SET LOCAL lock_timeout = '10s';

CREATE FUNCTION first_event_id(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rpad(lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0'), 32, '0')::uuid
$$;

ALTER TABLE logs RENAME TO logs_default;
ALTER INDEX logs_pkey RENAME TO logs_default_pkey;
ALTER INDEX logs_by_time RENAME TO logs_default_by_time;
ALTER INDEX logs_by_service RENAME TO logs_default_by_service;
CREATE TABLE logs (LIKE logs_default INCLUDING DEFAULTS) PARTITION BY RANGE (event_id);
ALTER TABLE logs ADD PRIMARY KEY (event_id);
CREATE INDEX logs_by_time ON logs (occurred_at, event_id);
CREATE INDEX logs_by_service ON logs (service, occurred_at, event_id);
ALTER TABLE logs ATTACH PARTITION logs_default DEFAULT;

ALTER TABLE errors RENAME TO errors_default;
ALTER INDEX errors_pkey RENAME TO errors_default_pkey;
ALTER INDEX errors_by_time RENAME TO errors_default_by_time;
ALTER INDEX errors_by_service RENAME TO errors_default_by_service;
CREATE TABLE errors (LIKE errors_default INCLUDING DEFAULTS) PARTITION BY RANGE (event_id);
ALTER TABLE errors ADD PRIMARY KEY (event_id);
CREATE INDEX errors_by_time ON errors (occurred_at, event_id);
CREATE INDEX errors_by_service ON errors (service, occurred_at, event_id);
ALTER TABLE errors ATTACH PARTITION errors_default DEFAULT;

GRANT SELECT ON logs, errors TO sluice_read;
GRANT SELECT, INSERT, DELETE ON logs, errors TO sluice_write;

-- A role needs to own a table to make or drop its partitions: retention has these functions instead.

-- The day's partition, if it is not there yet. Sinks wait while PostgreSQL looks through the default
-- partition for rows of that day, of which the one before has left none.
CREATE FUNCTION add_partition(parent text, day date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
DECLARE
    name text := parent || to_char(day, '_YYYYMMDD');
    first uuid := first_event_id(day::timestamp AT TIME ZONE 'UTC');
    next uuid := first_event_id((day + 1)::timestamp AT TIME ZONE 'UTC');
BEGIN
    IF parent NOT IN ('logs', 'errors') THEN
        RAISE EXCEPTION '% has no daily partitions', parent USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF to_regclass(name) IS NOT NULL THEN
        RETURN NULL;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', name, parent);
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent || '_default');
    EXECUTE format(
        'WITH moved AS (DELETE FROM %I WHERE event_id >= $1 AND event_id < $2 RETURNING *)'
        ' INSERT INTO %I SELECT * FROM moved', parent || '_default', name
    ) USING first, next;
    EXECUTE format(
        'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, name, first, next
    );
    RETURN name;
END
$$;

CREATE FUNCTION drop_partitions(parent text, before timestamptz) RETURNS text[]
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
    RETURN dropped;
END
$$;

-- Rows with ids of other kinds than UUIDv7, and those from before there were partitions.
CREATE FUNCTION delete_expired(parent text, before timestamptz, maximum integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    deleted bigint;
BEGIN
    IF parent NOT IN ('logs', 'errors') THEN
        RAISE EXCEPTION '% has no daily partitions', parent USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format(
        'DELETE FROM %1$I WHERE event_id IN'
        ' (SELECT event_id FROM %1$I WHERE occurred_at < $1 ORDER BY occurred_at LIMIT $2)',
        parent || '_default'
    ) USING before, maximum;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;

REVOKE EXECUTE ON FUNCTION add_partition, drop_partitions, delete_expired FROM PUBLIC;
