"""Children of the supervisor: ready means ready, a killed one comes back, nothing is left over."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.local.errors import DidNotStart
from infra.local.processes import Program, Supervisor

CHECKOUT = Path(__file__).resolve().parents[3]
WRITES_ITS_PID = "import os, time, pathlib; pathlib.Path('up').write_text(str(os.getpid())); time.sleep(600)"


def eventually(is_so: Callable[[], bool], patience_s: float = 10) -> None:
    deadline = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < deadline, "it never came to be so"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def program(folder: Path, code: str = WRITES_ITS_PID, name: str = "sleeper", **changes: object) -> Program:
    command = [sys.executable, "-c", code]
    facts = {"ready": (folder / "up").exists, "ready_timeout_s": 10.0, "stop_timeout_s": 5.0, **changes}
    return Program(name=name, command=command, folder=folder, log=folder / f"{name}.log", **facts)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with Supervisor(tmp_path / "run") as running:
        yield running


def test_a_child_is_started_when_it_says_so_and_stopped_at_the_end(tmp_path: Path) -> None:
    with Supervisor(tmp_path / "run") as supervisor:
        child = supervisor.start(program(tmp_path))
        pid = int((tmp_path / "up").read_text())
        assert child.pid == pid
    assert not is_running(pid)
    assert list((tmp_path / "run").iterdir()) == []


def test_a_killed_child_is_started_again(tmp_path: Path, supervisor: Supervisor) -> None:
    child = supervisor.start(program(tmp_path))
    before = child.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    eventually(lambda: child.pid not in (None, before))
    assert child.restarts == 1


def test_a_killed_guard_takes_its_program_along_and_both_come_back(tmp_path: Path, supervisor: Supervisor) -> None:
    child = supervisor.start(program(tmp_path))
    before = child.pid
    assert before is not None
    os.kill(parent_of(before), signal.SIGKILL)
    eventually(lambda: not is_running(before))
    eventually(lambda: child.pid not in (None, before))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become nobody")
def test_a_program_run_as_nobody_still_goes_with_its_guard(tmp_path: Path, supervisor: Supervisor) -> None:
    from infra.local import guard

    if not guard.namespaces_work():
        pytest.skip("no user namespaces here")
    code = "import os, pathlib, time; pathlib.Path('up').write_text(str(os.getuid())); time.sleep(600)"
    child = supervisor.start(program(tmp_path, code, as_nobody="namespace"))
    before = child.pid
    assert before is not None
    eventually(lambda: (tmp_path / "up").read_text() == "65534")
    os.kill(parent_of(before), signal.SIGKILL)
    eventually(lambda: not is_running(before))


def test_what_a_program_forked_goes_with_it(tmp_path: Path) -> None:
    code = (
        "import os, time, pathlib\nif os.fork() == 0: pathlib.Path('up').write_text(str(os.getpid()))\ntime.sleep(600)"
    )
    with Supervisor(tmp_path / "run") as supervisor:
        supervisor.start(program(tmp_path, code))
        eventually(lambda: (tmp_path / "up").read_text() != "")
        forked = int((tmp_path / "up").read_text())
        assert is_running(forked)
    assert not is_running(forked)


def test_a_program_that_ignores_the_stop_signal_is_killed(tmp_path: Path) -> None:
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + WRITES_ITS_PID
    with Supervisor(tmp_path / "run") as supervisor:
        child = supervisor.start(program(tmp_path, code, stop_timeout_s=0.2))
        pid = child.pid
        assert pid is not None
    assert not is_running(pid)


def test_groups_stop_in_reverse_order(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time, pathlib\n"
        "def stop(*_): open('../stops', 'a').write(sys.argv[0] + pathlib.Path.cwd().name + ' '); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        "pathlib.Path('up').touch()\n"
        "time.sleep(600)"
    )
    with Supervisor(tmp_path / "run") as supervisor:
        for name in ("database", "worker", "gateway"):
            (tmp_path / name).mkdir()
            supervisor.start(program(tmp_path / name, code, name))
    assert (tmp_path / "stops").read_text() == "-cgateway -cworker -cdatabase "


def test_a_program_that_ends_at_once_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    with (
        pytest.raises(DidNotStart, match=r"(?s)sleeper did not start: it ended with status 7.*no such table"),
        Supervisor(tmp_path / "run") as supervisor,
    ):
        supervisor.start(program(tmp_path, "print('no such table'); raise SystemExit(7)"))


def test_a_program_that_never_gets_ready_is_reported_and_stopped(tmp_path: Path) -> None:
    with (
        pytest.raises(DidNotStart, match="it was not ready after 0 s"),
        Supervisor(tmp_path / "run") as supervisor,
    ):
        supervisor.start(program(tmp_path, ready=lambda: False, ready_timeout_s=0.3))
    assert not is_running(int((tmp_path / "up").read_text()))


def test_a_program_that_keeps_failing_is_tried_ever_more_slowly(tmp_path: Path) -> None:
    said: list[tuple[float, str]] = []
    (tmp_path / "up").touch()
    with Supervisor(tmp_path / "run", say=lambda text: said.append((time.monotonic(), text))) as supervisor:
        supervisor.start(program(tmp_path, "import time; time.sleep(0.05)"))
        eventually(lambda: len(said) == 4)
    assert [text.rpartition("in ")[2] for _, text in said[:4]] == ["0.1 s", "0.2 s", "0.4 s", "0.8 s"]


def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
from infra.local.processes import Program, Supervisor
folder = Path({str(tmp_path)!r})
with Supervisor(folder / "run") as supervisor:
    command = [sys.executable, "-c", {WRITES_ITS_PID!r}]
    supervisor.start(Program("sleeper", command, folder, folder / "log", (folder / "up").exists))
    time.sleep(600)
"""
    supervisor = subprocess.Popen([sys.executable, "-c", code], cwd=CHECKOUT)
    eventually(lambda: (tmp_path / "up").exists() and (tmp_path / "up").read_text() != "")
    pid = int((tmp_path / "up").read_text())
    supervisor.kill()
    supervisor.wait()
    eventually(lambda: not is_running(pid))
