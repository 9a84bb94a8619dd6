"""The environment variables that the settings read are those that .env.example explains."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_every_variable_of_the_settings_is_explained_and_no_other() -> None:
    read = re.findall(r'(?:env\.\w+|_server_url)\(\s*"([A-Z_]+)"', (ROOT / "theo" / "settings.py").read_text())
    explained = re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)
    assert sorted(explained) == sorted(set(read))
