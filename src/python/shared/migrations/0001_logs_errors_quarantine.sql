-- The tables that sinks write, the indexes that read_table needs, and a role for each purpose.

CREATE TABLE logs (
    event_id uuid PRIMARY KEY,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    service text NOT NULL,
    environment text NOT NULL,
    level text NOT NULL,
    message text NOT NULL,
    attributes jsonb NOT NULL
);
CREATE INDEX logs_by_time ON logs (occurred_at, event_id);
CREATE INDEX logs_by_service ON logs (service, occurred_at, event_id);

CREATE TABLE errors (
    event_id uuid PRIMARY KEY,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    service text NOT NULL,
    environment text NOT NULL,
    fingerprint text NOT NULL,
    type text NOT NULL,
    message text NOT NULL,
    stack jsonb NOT NULL,
    causes jsonb NOT NULL,
    attributes jsonb NOT NULL
);
CREATE INDEX errors_by_time ON errors (occurred_at, event_id);
CREATE INDEX errors_by_service ON errors (service, occurred_at, event_id);

-- What could not be stored: raw holds the event's JSON, or the whole record where that is unreadable.
CREATE TABLE quarantine (
    stream text NOT NULL,
    shard_id text NOT NULL,
    sequence_number text NOT NULL,
    event_index integer NOT NULL,
    kind text NOT NULL,
    reason text NOT NULL,
    raw bytea NOT NULL,
    quarantined_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, shard_id, sequence_number, event_index)
);

-- Roles belong to the server, not to the database: another database may have made them.
DO $$
BEGIN
    CREATE ROLE sluice_read NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$;
DO $$
BEGIN
    CREATE ROLE sluice_write NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$;
GRANT SELECT ON logs, errors, quarantine TO sluice_read;
GRANT SELECT, INSERT, DELETE ON logs, errors, quarantine TO sluice_write;
