"""The site and a worker, side by side until somebody stops them."""

import socket
import time
from collections.abc import Callable

from theo.demo.processes import ManageProcess
from theo.demo.worker import log_file

HOST = "127.0.0.1"
START_SECONDS = 30
LOOK_SECONDS = 0.5


class SiteFailed(Exception):
    """The site or its worker could not be started, or ended by itself."""


def is_port_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
    return True


def serve(port: int, announce: Callable[[str], object]) -> None:
    """Run both until KeyboardInterrupt, and stop both. `announce` gets the URL as soon as it answers. Raises SiteFailed."""
    web = ManageProcess("runserver", "--noreload", f"{HOST}:{port}")
    worker = ManageProcess("rqworker", log=log_file())
    try:
        with web, worker:
            _wait_until_it_answers(web, port)
            announce(f"http://{HOST}:{port}/")
            while web.is_running and worker.is_running:
                time.sleep(LOOK_SECONDS)
            ended = worker if web.is_running else web
            raise SiteFailed(ended.describe_end())
    except KeyboardInterrupt:
        return


def _wait_until_it_answers(web: ManageProcess, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if not web.is_running:
            raise SiteFailed(web.describe_end())
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SiteFailed(f"The site did not answer on port {port} within {START_SECONDS} seconds.")
