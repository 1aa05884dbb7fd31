"""A build says itself for which processor it is."""

from pathlib import Path

import pytest

from stockstream_deploy.architecture import examine_build
from stockstream_operate.doctor.finding import Level


def module(machine: int) -> bytes:
    """The first bytes of a compiled module of Linux: e_machine is at 18, little-endian."""
    return b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00" + machine.to_bytes(2, "little") + bytes(44)


X86, ARM = module(0x3E), module(0xB7)


@pytest.mark.parametrize(
    ("modules", "architecture", "words"),
    [
        ([X86, X86], "x86_64", None),
        ([ARM], "arm64", None),
        ([ARM, ARM], "x86_64", "0.so is for arm64, and the functions will be x86_64"),
        ([ARM, X86], "arm64", "1.so is for x86_64, and the functions will be arm64"),
        ([b"\xcf\xfa\xed\xfe" + bytes(60)], "arm64", "0.so is for another system than Linux"),
        ([module(8)], "arm64", "0.so is for machine 8 of ELF"),
        ([], "arm64", "there are no compiled modules"),
    ],
)
def test_a_build_for_another_processor_is_in_the_way(
    tmp_path: Path, modules: list[bytes], architecture: str, words: str | None
) -> None:
    folder = tmp_path / "CommonLayer" / "python"
    folder.mkdir(parents=True)
    for number, content in enumerate(modules):
        (folder / f"{number}.so").write_bytes(content)

    (finding,) = examine_build(tmp_path, architecture)

    assert finding.level is (Level.PROBLEM if words else Level.GOOD)
    assert (words or "") in finding.words
