-- Who may look at the pages, who is logged in, and who tries to be.
SET LOCAL lock_timeout = '10s';

CREATE TABLE accounts (
    name text PRIMARY KEY,
    password_hash text NOT NULL,
    password_changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A session is valid for the password that it was opened with: another one ends it.
CREATE TABLE sessions (
    token_sha256 bytea PRIMARY KEY,
    account text NOT NULL REFERENCES accounts ON DELETE CASCADE,
    password_changed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- The subject is the hash of an account's name or of an address: what people type where a name
-- belongs may be a password.
CREATE TABLE login_attempts (
    subject_sha256 bytea NOT NULL,
    attempted_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX login_attempts_by_subject ON login_attempts (subject_sha256, attempted_at);
CREATE INDEX login_attempts_by_time ON login_attempts (attempted_at);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['sluice_accounts', 'sluice_login', 'sluice_web'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- Roles belong to the server, not to the database: another may have made it.
        END;
    END LOOP;
END
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON accounts TO sluice_accounts;
GRANT SELECT ON accounts TO sluice_login;
GRANT SELECT, INSERT, DELETE ON sessions, login_attempts TO sluice_login;
-- The pages never see a password's hash.
GRANT SELECT (name, password_changed_at) ON accounts TO sluice_web;
GRANT SELECT ON sessions, logs, errors, quarantine TO sluice_web;
