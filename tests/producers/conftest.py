from tests.fixtures.kinesis import aws_environment, emulator, streams

__all__ = ["aws_environment", "emulator", "streams"]
