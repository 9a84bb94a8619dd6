"""Forks processes that have imported already what each worker imports of others' packages: a second of work, done once.

Reads from standard input, a Unix stream socket, one JSON line per process, with two file descriptors: where the process is to write,
and where its pid is to be told, and its exit status when it has ended, each in a line. Ends when that socket is closed.

What comes out is `manage.py` as if started anew: its settings, models and servers are those of its own environment.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
from typing import Any

PACKAGES = [
    "asyncio",
    "croniter",
    "cron_descriptor",
    "environ",
    "hiredis",
    "http.client",
    "orjson",
    "pgvector",
    "prometheus_client",
    "psycopg",
    "psycopg_binary",
    "pydantic",
    "redis",
    "redis.asyncio",
    "redis.sentinel",
    "rq",
    "rq.cron",
    "rq.scheduler",
    "rq.worker",
    "sqlparse",
    "ssl",
    "tenacity",
    "tqdm",
    "django.contrib.admin",
    "django.contrib.auth.hashers",
    "django.contrib.auth.password_validation",
    "django.contrib.messages.middleware",
    "django.contrib.postgres.indexes",
    "django.contrib.postgres.operations",
    "django.contrib.postgres.search",
    "django.contrib.sessions.middleware",
    "django.core.checks",
    "django.core.management",
    "django.db.backends.postgresql.base",
    "django.forms",
    "django.middleware.common",
    "django.middleware.csrf",
    "django.middleware.security",
    "django.template.backends.django",
    "django.template.defaulttags",
    "django.test.signals",
    "django.utils.translation.trans_real",
    "django.views.generic",
]
"""None reads a setting when it is imported: settings are those of the process that is forked."""

LARGEST_REQUEST = 1 << 20


def main() -> None:
    """Returns in the forked processes alone, as what they are to be."""
    for package in PACKAGES:
        importlib.import_module(package)
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who asked
    requests = socket.socket(fileno=0)
    while True:
        request, descriptors, _, _ = socket.recv_fds(requests, LARGEST_REQUEST, 2)
        if not request:
            sys.exit()
        while not request.endswith(b"\n"):
            request += requests.recv(LARGEST_REQUEST)
        if os.fork() == 0:
            requests.detach()
            return guard(json.loads(request), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        reap()


def reap() -> None:
    """Guards that have ended since."""
    while os.waitpid(-1, os.WNOHANG)[0]:
        pass


def guard(request: dict[str, Any], output: int, told: int) -> None:
    """A process for each worker, which waits for it. Returns in the worker alone."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    pid = os.fork()
    if pid:
        os.close(output)
        os.write(told, b"%d\n" % pid)
        _, status = os.waitpid(pid, 0)
        os.write(told, b"%d\n" % os.waitstatus_to_exitcode(status))
        os._exit(0)
    os.close(told)
    for standard in (1, 2):
        os.dup2(output, standard)
    os.close(output)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = request["arguments"]
    sys.path[0] = os.getcwd()


if __name__ == "__main__":
    main()
    runpy.run_path(sys.argv[0], run_name="__main__")
