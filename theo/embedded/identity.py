"""Who PostgreSQL runs as: it refuses root and users without an account, so that they need another identity for it."""

import os
import pwd
from pathlib import Path

from theo.embedded import process
from theo.embedded.exceptions import UserRefused

SELF, NAMESPACE, NOBODY = "self", "namespace", "nobody"


def choose_identity(program: Path, *, log: Path) -> str:
    """One that the program can run as. Raises UserRefused."""
    if os.geteuid() != 0 and _has_account(os.geteuid()):
        return SELF
    for identity in (NAMESPACE, NOBODY):
        if process.run(identity, str(program), "--version", log=log):
            return identity
    raise UserRefused(reason=process.last_complaint(log))


def give(folder: Path, identity: str) -> None:
    """Makes the folder and all in it the identity's, also after a run as another one."""
    uid, gid = os.geteuid(), os.getegid()
    if identity == NOBODY:
        uid, gid = pwd.getpwnam("nobody")[2:4]
    if folder.stat().st_uid != uid:
        for path in (*folder.rglob("*"), folder):  # the folder last: its owner says that all is done
            os.chown(path, uid, gid, follow_symlinks=False)


def _has_account(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
