import pytest

from producer.memory.number_bytes import (
    Reader,
    differences,
    write_changes,
    write_doubles,
    write_signed,
    write_wholes,
)


@pytest.mark.parametrize(
    ("number", "data"),
    [
        (0, b"\x00"),
        (127, b"\x7f"),
        (128, b"\x80\x01"),
        (300, b"\xac\x02"),  # the example of the protocol buffers' encoding guide
        (2**64, b"\x80" * 9 + b"\x02"),
    ],
)
def test_a_whole_number_takes_a_byte_for_seven_bits(number: int, data: bytes) -> None:
    assert data == write_wholes([number])
    assert number == Reader(data).whole()


def test_small_numbers_of_either_sign_take_one_byte() -> None:
    assert write_signed([0, -1, 1, -64, 63]) == b"\x00\x01\x02\x7f\x7e"
    assert Reader(b"\x00\x01\x02\x7f\x7e").signed(5) == [0, -1, 1, -64, 63]


def test_changes_begin_with_the_first_number() -> None:
    assert write_changes([5, 7, 4]) == b"\x0a\x04\x05"
    assert list(Reader(b"\x0a\x04\x05").changes(3)) == [5, 7, 4]


def test_doubles_are_little_endian_on_every_machine() -> None:
    assert write_doubles([1.0, -0.0]) == b"\x00" * 6 + b"\xf0\x3f" + b"\x00" * 7 + b"\x80"
    assert str(Reader(write_doubles([1.0, -0.0])).doubles(2)) == "(1.0, -0.0)"


def test_differences_end_with_the_shorter_list() -> None:
    assert differences([5, 7], [0, 5, 7]) == [5, 2]


def test_bytes_that_end_too_soon_are_noticed() -> None:
    with pytest.raises(IndexError):
        Reader(b"\x80").whole()


def test_bytes_that_are_left_over_are_noticed() -> None:
    reader = Reader(b"\x00\x00")
    reader.whole()

    with pytest.raises(ValueError, match="1 bytes too many"):
        reader.expect_end()
    reader.whole()
    reader.expect_end()
