"""`make generate`: writes what follows from something else, and says which files have changed."""

from stockstream_dashboards.preview import write_pictures
from stockstream_generate.files import write_files

if __name__ == "__main__":
    written = [*write_files(), *write_pictures()]
    print("\n".join(f"wrote {name}" for name in written) or "everything is as it is made")  # noqa: T201 (what a command says)
