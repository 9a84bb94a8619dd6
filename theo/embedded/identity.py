"""Who PostgreSQL runs as: it refuses root, so that root needs another identity for it."""

import os
import pwd
from pathlib import Path

from theo.embedded import process
from theo.embedded.exceptions import RootRefused

SELF, NAMESPACE, NOBODY = "self", "namespace", "nobody"


def choose_identity(*, log: Path) -> str:
    """Raises RootRefused."""
    if os.geteuid() != 0:
        return SELF
    for identity in (NAMESPACE, NOBODY):
        if process.can_become(identity, log=log):
            return identity
    raise RootRefused(reason=process.last_complaint(log))


def give(folder: Path, identity: str) -> None:
    """Makes the folder and all in it the identity's, also after a run as another one."""
    if identity == SELF:
        return
    account = pwd.getpwnam("nobody") if identity == NOBODY else pwd.getpwuid(0)
    if folder.stat().st_uid == account.pw_uid:
        return
    for path in (*folder.rglob("*"), folder):  # the folder last: its owner says that all is done
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
