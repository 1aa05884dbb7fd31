"""For which processor a build was made: what its compiled modules say of themselves."""

from collections.abc import Iterator
from pathlib import Path

from stockstream_operate.doctor.finding import Finding, good, problem

# e_machine, two bytes at 18 of an ELF file, https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
_MACHINES = {62: "x86_64", 183: "arm64"}
_MACHINE_AT = slice(18, 20)


def examine_build(built: Path, architecture: str) -> Iterator[Finding]:
    """Whether each compiled module of a build is for the processor that the functions will have.

    Args:
        built: the directory that `sam build` made.
        architecture: the parameter Architecture of the deployment.
    """
    remedy = "rm -rf .aws-sam, and deploy again."
    machines = {file: _read_machine(file) for file in sorted(built.rglob("*.so"))}
    others = {file: machine for file, machine in machines.items() if machine != architecture}
    if not machines:
        yield problem("build", f"there are no compiled modules below {built}", remedy)
    elif others:
        file, machine = next(iter(others.items()))
        yield problem(
            "build", f"{file.name} is for {machine}, and the functions will be {architecture}", remedy
        )
    else:
        yield good("build", f"its {len(machines)} compiled modules are for {architecture}")


def _read_machine(file: Path) -> str:
    with file.open("rb") as opened:
        head = opened.read(_MACHINE_AT.stop)
    if not head.startswith(b"\x7fELF"):
        return "another system than Linux"
    number = int.from_bytes(head[_MACHINE_AT], "little")
    return _MACHINES.get(number, f"machine {number} of ELF")
