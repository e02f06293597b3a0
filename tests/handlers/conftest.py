from tests.fixtures.postgres import database, empty_database, server

__all__ = ["database", "empty_database", "server"]
