"""`make generate`: writes what follows from something else, and says which files have changed."""

from stockstream_generate.files import write_files

if __name__ == "__main__":
    print("\n".join(f"wrote {name}" for name in write_files()) or "everything is as it is made")  # noqa: T201 (what a command says)
