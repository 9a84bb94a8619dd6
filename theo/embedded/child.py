"""Run as a script between fork and exec: becomes who the server must be, then becomes the server.

    child.py run   IDENTITY - COMMAND...     the command takes this process's place
    child.py serve IDENTITY LOCK COMMAND...  the same in a process of its own that keeps the open lock file LOCK, with its pid in it

A script, not Popen's preexec_fn: that one runs Python in a fork of a process that may have threads.
Standard library only (`python -I -S`), and nothing here imports the project.
"""

import ctypes
import os
import pwd
import sys

CLONE_NEWUSER = 0x10000000
NOBODY_INSIDE = 65534
REFUSED = 77


def enter_user_namespace() -> None:
    """This process sees itself as nobody from here on, while its files stay the caller's: no chown, no new account."""
    caller = os.geteuid(), os.getegid()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{NOBODY_INSIDE} {caller[0]} 1"),
        ("gid_map", f"{NOBODY_INSIDE} {caller[1]} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(line)


def become_nobody() -> None:
    account = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


def leave_parent(lock: int) -> None:
    """Forks away, so that the server is nobody's child, and notes the pid before there is a server to be found."""
    if os.fork():
        os._exit(0)
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)


def main(mode: str, identity: str, lock: str, *command: str) -> None:
    try:
        {"self": lambda: None, "namespace": enter_user_namespace, "nobody": become_nobody}[identity]()
    except (OSError, AttributeError, KeyError) as error:
        sys.stderr.write(f"FATAL: cannot become {identity}: {error}\n")
        sys.exit(REFUSED)
    if mode == "serve":
        leave_parent(int(lock))
    try:
        os.execv(command[0], command)  # noqa: S606  # the servers that our parent found
    except OSError as error:
        sys.stderr.write(f"FATAL: cannot run {command[0]}: {error}\n")
        sys.exit(REFUSED)


if __name__ == "__main__":
    main(*sys.argv[1:])
