"""The last of the migrations, known without loading what works on a database: for who only looks for a copy."""

from importlib.resources import files


def latest_revision() -> str:
    """Returns the revision that this version of rxauth works with: the last of the files, by their numbers."""
    folder = files("rxauth.storage").joinpath("migrations", "versions")  # to name the package would import it
    names = (file.name for file in folder.iterdir())
    return max(name.partition("_")[0] for name in names if name[0].isdigit())
