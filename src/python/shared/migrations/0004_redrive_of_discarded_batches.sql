-- Of a batch that Lambda has discarded, redrive stores what can be stored and quarantines the rest.
SET LOCAL lock_timeout = '10s';

GRANT INSERT ON quarantine TO sluice_redrive;
