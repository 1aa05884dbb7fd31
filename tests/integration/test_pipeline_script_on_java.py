"""The ingest pipeline's script on a Java virtual machine, whose language it keeps to."""

import shutil
import subprocess
from pathlib import Path

import pytest

from stockstream_operate.search.index import script


def has_jdk() -> bool:
    # macOS has a javac that only says where to get one.
    command = shutil.which("javac")
    if command is None:
        return False
    return subprocess.run([command, "-version"], capture_output=True, check=False).returncode == 0  # noqa: S603 (fixed)


pytestmark = pytest.mark.skipif(not has_jdk(), reason="needs a JDK")

# Reads documents as lines of `name=value`, an empty line after each; `name:=value` is a number.
PROGRAM = """
import java.io.*;
import java.time.Instant;
import java.util.*;

public class Pipeline {
  static void process(Map<String, Object> ctx) {
@script@
  }

  public static void main(String[] arguments) throws IOException {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
    Map<String, Object> ctx = new HashMap<>();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      int at = line.indexOf('=');
      if (at > 0 && line.charAt(at - 1) == ':') {
        ctx.put(line.substring(0, at - 1), Long.valueOf(line.substring(at + 1)));
      } else if (at > 0) {
        ctx.put(line.substring(0, at), line.substring(at + 1));
      } else {
        String refusal = "";
        try {
          process(ctx);
        } catch (IllegalArgumentException error) {
          refusal = error.getMessage();
        }
        System.out.println(refusal + "\\t" + ctx.get("_index") + "\\t" + ctx.get("_id") + "\\t"
            + ctx.get("_version") + "\\t" + ctx.get("_version_type"));
        ctx = new HashMap<>();
      }
    }
  }
}
"""

type Fields = dict[str, str | int | None]

DOCUMENT: Fields = {
    "schema": "enriched.v1",
    "id": "IBM|1min|2026-11-20T20:59:00Z",
    "as_of": "2026-11-20T21:00:05.694Z",
    "instrument": "IBM",
    "interval": "1min",
    "open_time": "2026-11-20T20:59:00Z",
}
UNSET = ["null"] * 4


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pipeline")
    source = folder / "Pipeline.java"
    source.write_text(PROGRAM.replace("@script@", script()), encoding="utf-8")
    subprocess.run(["javac", "-encoding", "UTF-8", str(source)], check=True)  # noqa: S603, S607 (our own file)
    return folder


def process(program: Path, changes: Fields) -> tuple[str, list[str]]:
    """Why the script refuses the document with these changes, and the index, id, version and type it set."""
    fields = {name: value for name, value in (DOCUMENT | changes).items() if value is not None}
    lines = [f"{name}{':=' if isinstance(value, int) else '='}{value}" for name, value in fields.items()]
    done = subprocess.run(  # noqa: S603 (our own program)
        ["java", "-cp", str(program), "Pipeline"],  # noqa: S607 (whichever Java there is)
        input="\n".join([*lines, "", ""]),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    refusal, *told = done.stdout.rstrip("\n").split("\t")
    return refusal, told


@pytest.mark.parametrize(
    ("as_of", "version"),
    [
        ("2026-11-20T21:00:05.694Z", "1795208405694"),  # date --date 2026-11-20T21:00:05Z +%s
        ("2026-11-20T21:00:05.000Z", "1795208405000"),
        ("2026-11-20T21:00:05.690Z", "1795208405690"),
        ("1970-01-01T00:00:00.000Z", "0"),
    ],
)
def test_a_document_gets_its_months_index_its_bars_id_and_as_of_as_its_version(
    program: Path, as_of: str, version: str
) -> None:
    told = ["bars-2026-11", "IBM|1min|2026-11-20T20:59:00Z", version, "external_gte"]

    assert process(program, {"as_of": as_of}) == ("", told)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"schema": "enriched.v2"}, "schema is not enriched.v1"),
        ({"schema": None}, "schema is not enriched.v1"),
        ({"id": None}, "id is missing, or no text"),
        ({"as_of": 1795208405694}, "as_of is missing, or no text"),
        ({"as_of": "2026-11-20T21:00:05Z"}, "as_of is not YYYY-MM-DDTHH:MM:SS.mmmZ: 2026-11-20T21:00:05Z"),
        ({"as_of": "2026-11-20T22:00:05.694+01:00"}, "as_of is not YYYY-MM-DDTHH:MM:SS.mmmZ: "),
        ({"as_of": "1969-12-31T23:59:59.999Z"}, "as_of is before 1970: 1969-12-31T23:59:59.999Z"),
        ({"as_of": "soon"}, "open_time or as_of is no time: "),
        ({"open_time": "2026-02-30T20:59:00Z"}, "open_time or as_of is no time: "),
        (
            {"open_time": "2026-11-20T24:00:00Z"},
            "open_time is not YYYY-MM-DDTHH:MM:SSZ: 2026-11-20T24:00:00Z",
        ),
        ({"open_time": "2026-11-20T20:59:00.5Z"}, "open_time is not YYYY-MM-DDTHH:MM:SSZ: "),
        ({"open_time": "2026-11-20T20:58:00Z"}, "id is not instrument|interval|open_time: IBM|1min|"),
        ({"instrument": "I" * 120, "id": "I" * 120 + "|1min|2026-11-20T20:59:00Z"}, "id has more than 128"),
    ],
)
def test_what_breaks_the_contract_is_refused_with_the_reason_and_nothing_of_it_is_set(
    program: Path, changes: Fields, reason: str
) -> None:
    refusal, told = process(program, changes)

    assert refusal.startswith(reason)
    assert told == UNSET
