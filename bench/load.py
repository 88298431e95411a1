"""The load: wrk with one thread and 24 kept connections, told what to send by a script of our making."""

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

CONNECTIONS: Final = 24
_SCRIPT: Final = """
local bodies = {%(bodies)s}
local requests, turn = {}, 0
wrk.method = "POST"
%(headers)s

function init(_)
  for number, body in ipairs(bodies) do
    requests[number] = wrk.format(nil, nil, nil, body)
  end
end

function request()
  turn = turn %% #requests + 1
  return requests[turn]
end
"""
# Says how a load was answered, at the end of a script.
SUMMARY: Final = """
function done(summary, latency, _)
  local wrong = summary.errors
  print(string.format(
    '{"answers": %d, "duration_us": %d, "failed": %d, "p50_us": %d, "p99_us": %d}',
    summary.requests,
    summary.duration,
    wrong.connect + wrong.read + wrong.write + wrong.timeout + wrong.status,
    latency:percentile(50),
    latency:percentile(99)
  ))
end
"""


@dataclass(frozen=True, slots=True)
class Post:
    """What is sent to a path: the bodies take turns."""

    path: str
    headers: Mapping[str, str]
    bodies: Sequence[str]

    def once(self, url: str) -> Any:
        """Sends one and returns the JSON of a good answer; None: nobody listens there yet.

        Raises:
            RuntimeError: the answer is not 200, or has GraphQL errors in it.
        """
        try:
            answer = httpx.post(
                url + self.path,
                headers=dict(self.headers),
                content=self.bodies[0],
                timeout=10,
                trust_env=False,
                verify=False,
            )
        except httpx.TransportError:
            return None
        if answer.status_code != 200 or "errors" in answer.json():
            raise RuntimeError(f"{self.path} answers {answer.status_code}: {answer.text[:500]}")
        return answer.json()


@dataclass(frozen=True, slots=True)
class Answered:
    """How a load was answered."""

    answers: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """The rate."""
        return self.answers / self.seconds


# Makes ready what so many seconds of load at a URL need, and returns what puts it on.
Load = Callable[[str, float], Callable[[], Answered]]


def again_and_again(post: Post, folder: Path, connections: int = CONNECTIONS) -> Load:
    """Returns the load that `put_on` makes."""
    return lambda url, seconds: lambda: put_on(url, post, seconds, folder, connections)


def put_on(url: str, post: Post, seconds: float, folder: Path, connections: int = CONNECTIONS) -> Answered:
    """Sends as fast as answers come, for so many seconds; folder: where the script may be written.

    Raises:
        RuntimeError: some request failed, so the figures would mean nothing.
    """
    return run_script(url + post.path, _script(post), seconds, folder, connections)


def run_script(url: str, text: str, seconds: float, folder: Path, connections: int = CONNECTIONS) -> Answered:
    """Has wrk send what a script says, which ends in `SUMMARY`; see `put_on`."""
    script = folder / "load.lua"
    script.write_text(text)
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--timeout", "30s"]
    command += ["--duration", f"{max(1, round(seconds))}s", "--script", str(script), url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"wrk failed: {done.stdout}{done.stderr}")
    said = json.loads(done.stdout.splitlines()[-1])
    if said["failed"] or not said["answers"]:
        raise RuntimeError(f"{said['failed']} of {said['answers']} requests to {url} failed")
    return Answered(said["answers"], said["duration_us"] / 1e6, said["p50_us"] / 1e3, said["p99_us"] / 1e3)


def _script(post: Post) -> str:
    bodies = ", ".join(f"[==[{body}]==]" for body in post.bodies)
    headers = "\n".join(
        f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in post.headers.items()
    )
    return _SCRIPT % {"bodies": bodies, "headers": headers} + SUMMARY
