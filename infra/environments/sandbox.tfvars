# Cheap, and destroyed whole: -var environment=sandbox-<name>.
region              = "eu-central-1"
stream_retention    = 24
log_retention       = 3
throttling          = { rate = 50, burst = 100 }
database_capacity   = { minimum = 0, maximum = 2 }
database_instances  = 1
schedules           = false
endpoint_zones      = 1
deletion_protection = false
provisioned_shards  = { errors = 1, logs = 1 }
