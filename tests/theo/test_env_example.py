"""The environment variables that the settings read are those that .env.example explains."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_every_variable_of_the_settings_is_explained_and_no_other() -> None:
    read = re.findall(r'(?:env\.\w+|_server_url)\(\s*"([A-Z_]+)"', (ROOT / "theo" / "settings.py").read_text())
    explained = re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)
    assert sorted(explained) == sorted(set(read))


def test_no_value_of_it_opens_anything() -> None:
    """Lines are uncommented as they stand: a token's hash there would be that of a token that all the world can guess."""
    text = (ROOT / ".env.example").read_text()
    assert not re.search(r"[0-9a-fA-F]{64}", text)
    assert re.search(r"^#SECRET_KEY=$", text, flags=re.MULTILINE)
