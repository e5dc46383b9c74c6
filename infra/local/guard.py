"""Run one program and make sure that it never outlives the one who asked for it.

In: `guard.py SETTINGS COMMAND...`, SETTINGS being JSON; the asker holds the other end of standard input and
never writes.
Out: the program's exit status; its pid is written to the pid file while it runs.
When standard input closes (the asker stopped it, or died), the program gets its stop signal, then SIGKILL after the
time it was given. When this guard itself is killed, the kernel signals the program (PR_SET_PDEATHSIG: that is tied to
the *thread* that started the program, which is why each program has a guard whose one thread lives as long as it does).

Standard library only and no imports of ours: it is started as a file, with `python -I -S`, and must be up at once.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
NOBODY = 65534


def enter_namespace_of_nobody() -> None:
    """Become "nobody" in a user namespace of one's own: files stay root's, so nothing needs a chown."""
    user, group = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for file, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{NOBODY} {user} 1"),
        ("gid_map", f"{NOBODY} {group} 1"),
    ):
        with open(f"/proc/self/{file}", "w") as proc:
            proc.write(text)


def namespaces_work() -> bool:
    """Tried in a child, for it cannot be undone. Containers and hardened kernels refuse it."""
    child = os.fork()
    if child == 0:
        try:
            enter_namespace_of_nobody()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def become_nobody(how: str) -> None:
    if how == "namespace":
        enter_namespace_of_nobody()
    elif how == "user":
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def prepare(guard: int, as_nobody: str, parent_death_signal: int) -> None:
    """Between fork and exec. The user changes first: changing it would clear the parent death signal."""
    become_nobody(as_nobody)
    os.setpgid(0, 0)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, parent_death_signal, 0, 0, 0)
    if os.getppid() != guard:
        os._exit(1)  # the guard died before the kernel was told to watch it


def stop(program: "subprocess.Popen[bytes]", stop_signal: int, stop_timeout_s: float) -> None:
    program.send_signal(stop_signal)
    try:
        program.wait(stop_timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()


def main() -> int:
    settings = json.loads(sys.argv[1])
    guard = os.getpid()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    program = subprocess.Popen(
        sys.argv[2:],
        stdin=subprocess.DEVNULL,
        preexec_fn=lambda: prepare(guard, settings["as_nobody"], settings["parent_death_signal"]),
    )
    try:
        with open(settings["pid_file"] + ".new", "w") as file:
            file.write(str(program.pid))
        os.replace(settings["pid_file"] + ".new", settings["pid_file"])
        ended = os.pidfd_open(program.pid)
        readable, _, _ = select.select([0, ended], [], [])
        if ended not in readable:
            stop(program, settings["stop_signal"], settings["stop_timeout_s"])
        return program.wait()
    finally:
        if program.poll() is None:
            stop(program, settings["stop_signal"], settings["stop_timeout_s"])
        if settings["kill_group"]:
            # What the program left behind (forked workers) goes with it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
        os.unlink(settings["pid_file"])


if __name__ == "__main__":
    status = main()
    sys.exit(status if status >= 0 else 128 - status)
