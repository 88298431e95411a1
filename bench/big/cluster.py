"""A PostgreSQL server with the memory that so much data asks for; everything else is as it comes."""

from typing import Final

from bench import installation

SETTINGS: Final = {
    "shared_buffers": "2GB",
    "effective_cache_size": "4GB",
    "random_page_cost": "1.1",
    "max_wal_size": "8GB",
}


class Cluster(installation.Cluster):
    """A server of its own, thrown away after the sitting."""

    def start(self) -> None:
        """Starts the server."""
        said = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
        options = f"-k {self.folder} -c listen_addresses= {said}"
        self._run(
            "pg_ctl", "--pgdata", self._data, "--wait", "--log", f"{self._data}/log", "--options", options, "start"
        )
