environment         = "qa"
region              = "eu-central-1"
stream_retention    = 24
log_retention       = 14
throttling          = { rate = 200, burst = 400 }
database_capacity   = { minimum = 0.5, maximum = 4 }
database_instances  = 1
schedules           = true
endpoint_zones      = 1
deletion_protection = false
