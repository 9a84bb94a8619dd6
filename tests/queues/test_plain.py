import pytest

from queues.plain import plain, plain_line


@pytest.mark.parametrize("harmful", ["\x1b", "\r", "\x00", "\x9b", "\u202e", "\u2028", "\udcff"])
def test_what_could_steer_a_terminal_or_pass_for_a_line_is_replaced(harmful: str) -> None:
    assert plain(f"a{harmful}b\n\tc") == "a\N{REPLACEMENT CHARACTER}b\n\tc"


@pytest.mark.parametrize("text", ["12\N{NO-BREAK SPACE}345", "東京\N{IDEOGRAPHIC SPACE}都", "Über\nuns"])
def test_words_and_their_spaces_stay_as_they_are(text: str) -> None:
    assert plain(text) == text


def test_a_line_is_one_and_of_the_width_that_it_may_have() -> None:
    assert plain_line("a\n b\t c") == "a b c"
    assert plain_line("abcdef", 4) == "abc…"
