"""The one exception a person meets when a command of the deployer can't go on."""


class DeployError(Exception):
    """What stopped a command: a sentence on what is wrong, what serves now, and what to do."""
