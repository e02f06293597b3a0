-- On RDS the functions' roles log in with IAM authentication tokens, once they have the role rds_iam.
-- A server elsewhere has no such role. The owner, who can log in already, keeps its password: with
-- rds_iam it could not use it.
SET LOCAL lock_timeout = '10s';

DO $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT rolname FROM pg_roles
        WHERE rolname LIKE 'sluice\_%' AND NOT rolcanlogin
            AND EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_iam')
    LOOP
        EXECUTE format('GRANT rds_iam TO %I', name);
        EXECUTE format('ALTER ROLE %I LOGIN', name);
    END LOOP;
END
$$;
