environment         = "prod"
region              = "eu-central-1"
stream_retention    = 168
log_retention       = 30
throttling          = { rate = 2000, burst = 4000 }
database_capacity   = { minimum = 1, maximum = 64 }
database_instances  = 2
schedules           = true
endpoint_zones      = 2
deletion_protection = true
