from tests.fixtures.kinesis import aws_environment, emulator, streams
from tests.fixtures.postgres import database, empty_database, server

__all__ = ["aws_environment", "database", "empty_database", "emulator", "server", "streams"]
