#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "theo.settings")
    try:
        from theo.command_line import run
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as error:
        sys.exit(f"The package {error.name} is not installed for {sys.executable}: run `make setup`, then .venv/bin/python manage.py.")
    run(sys.argv)


if __name__ == "__main__":
    main()
