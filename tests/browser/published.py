"""A published client that runs in Node with somebody's token, and does there what it is asked."""

import json
import subprocess
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).parent / "calls.cjs"


class Published:
    """One process with one client. methods: all that it can do; called: what it was asked so far."""

    def __init__(self, package: str, url: str, token: str) -> None:
        command = ["node", str(PROGRAM), package, f"{url}/graphql"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.methods = set(self._said(token))
        self.called: set[str] = set()

    def query(self, method: str, **options: Any) -> Any:
        """Returns what a query that must succeed answers."""
        return self._whole(self._called(method, {"options": options or None}))

    def mutate(self, method: str, **variables: Any) -> Any:
        """Returns what a mutation that must succeed answers."""
        return self._whole(self._called(method, {"options": {}, "variables": variables}))

    def refused(self, method: str, variables: dict[str, Any] | None = None) -> set[str]:
        """Returns the codes of what a client makes of a refusal: a mutation throws, a query returns its errors."""
        asked = {"options": None} if variables is None else {"options": {}, "variables": variables}
        answer = self._called(method, asked)
        assert not any((answer.get("data") or {}).values()), answer
        assert (answer["thrown"] is None) == (variables is None), answer
        return {str(error["extensions"]["code"]) for error in answer["errors"]}

    def stop(self) -> None:
        """Ends the process."""
        self._process.communicate(timeout=30)

    def _called(self, method: str, how: dict[str, Any]) -> dict[str, Any]:
        self.called.add(method)
        answer: dict[str, Any] = self._said(json.dumps({"method": method, **how}))
        return answer

    def _said(self, line: str) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    @staticmethod
    def _whole(answer: dict[str, Any]) -> Any:
        assert (answer["errors"], answer["thrown"]) == ([], None), answer
        [value] = answer["data"].values()
        return value
