-- A role may do what its functions do, and nothing else. A sink reads to tell a conflict from a
-- duplicate.
SET LOCAL lock_timeout = '10s';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['sluice_clear', 'sluice_redrive', 'sluice_retention'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- Roles belong to the server, not to the database: another may have made it.
        END;
    END LOOP;
END
$$;

REVOKE DELETE ON logs, errors FROM sluice_write;
REVOKE SELECT, DELETE ON quarantine FROM sluice_write;
REVOKE ALL ON logs_default, errors_default FROM sluice_read, sluice_write;
GRANT SELECT, DELETE ON logs, errors, quarantine TO sluice_clear;
GRANT SELECT, INSERT ON logs, errors TO sluice_redrive;
GRANT SELECT, UPDATE, DELETE ON quarantine TO sluice_redrive;
GRANT EXECUTE ON FUNCTION add_partition, drop_partitions, delete_expired TO sluice_retention;
