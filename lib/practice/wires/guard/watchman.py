"""The guard's own program: run by path, standard library only, one thread, so that fork is safe here.

Arguments: the descriptor to read orders from, the descriptor to report on. First line read: the order (JSON). Then one
signal number per line, for the child. End of file: the one we serve is dead, so the child must end too.
Reports, one JSON line each: {"pid": n} or {"error": why}, and later {"exit": code}.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import sys
import time

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
# How often the guard looks whether its owner still lives, beside the pipe: a fork of the owner holds that open too.
LOOK_SECONDS = 1.0
LIBC = ctypes.CDLL(None, use_errno=True)


def main(arguments: list[str]) -> int:
    if arguments == ["probe"]:
        enter_namespace()
        return 0
    orders, report = map(int, arguments)
    os.set_inheritable(orders, False)
    os.set_inheritable(report, False)
    tidings = watch_children()
    buffer = read_line(orders)
    if buffer is None:
        return 1
    order, rest = json.loads(buffer[0]), buffer[1]
    try:
        child = launch(order)
    except OSError as error:
        sweep(order)
        say(report, {"error": error.strerror or str(error)})
        return 1
    forget_standard_streams()
    say(report, {"pid": child})
    code = watch(child, orders, rest, tidings, order)
    end_group(child)
    sweep(order)
    say(report, {"exit": code})
    return 0


def watch_children() -> int:
    """A descriptor that becomes readable when the child's state changes."""
    readable, writable = os.pipe()
    os.set_blocking(readable, False)
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return readable


def read_line(descriptor: int) -> tuple[bytes, bytes] | None:
    data = b""
    while b"\n" not in data:
        piece = os.read(descriptor, 65536)
        if not piece:
            return None
        data += piece
    line, _, rest = data.partition(b"\n")
    return line, rest


def launch(order: dict) -> int:
    """Fork and exec; the error of the child's side comes back over a pipe that a successful exec closes."""
    trouble_read, trouble_write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            become(order, os.getppid())
            os.execvpe(order["command"][0], order["command"], order["environment"])
        except OSError as error:
            os.write(trouble_write, str(error.errno or 0).encode())
        except BaseException as error:  # nothing may climb back into the parent's code
            os.write(trouble_write, str(error).encode())
        os._exit(127)
    os.close(trouble_write)
    trouble = os.read(trouble_read, 4096)
    os.close(trouble_read)
    if trouble:
        os.waitpid(child, 0)
        raise OSError(int(trouble), os.strerror(int(trouble))) if trouble.isdigit() else OSError(trouble.decode())
    return child


def become(order: dict, guard: int) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and ignored stays ignored through exec
    os.setsid()
    os.chdir(order["directory"])
    identity = order["identity"]
    if identity["namespace"]:
        enter_namespace()
    elif identity["uid"] is not None:
        os.setgroups([])
        os.setgid(identity["gid"])
        os.setuid(identity["uid"])
    if sys.platform == "linux":
        die_with(guard, order["orphan_signal"])


def enter_namespace() -> None:
    """Be uid 1000 in a new user namespace: Postgres refuses to be root, and this needs no account and no chmod."""
    uid, gid = os.getuid(), os.getgid()
    if LIBC.unshare(CLONE_NEWUSER) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    for name, text in (("setgroups", "deny"), ("uid_map", f"1000 {uid} 1"), ("gid_map", f"1000 {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as handle:
            handle.write(text)


def die_with(guard: int, number: int) -> None:
    """Second rope: the kernel ends the child should the guard itself be killed. Must come after any change of uid."""
    LIBC.prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != guard:
        os._exit(127)


def forget_standard_streams() -> None:
    """The streams are the child's; held open here they would hide its end from whoever reads them."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)


def watch(child: int, orders: int, buffer: bytes, tidings: int, order: dict) -> int:
    """Pass signals on until the child ends; returns its exit code."""
    deadline: float | None = None
    closed = False
    while True:
        *numbers, buffer = buffer.split(b"\n")
        for number in numbers:
            os.kill(child, int(number))
        gone, status = os.waitpid(child, os.WNOHANG)
        if gone:
            code = os.waitstatus_to_exitcode(status)
            return 128 - code if code < 0 else code
        if deadline is None and (closed or os.getppid() != order["owner"]):
            deadline = time.monotonic() + order["orphan_patience_seconds"]
            os.kill(child, order["orphan_signal"])
        if deadline is not None and time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        listen = [tidings] if closed else [tidings, orders]
        ready = select.select(listen, [], [], 0.1 if deadline else LOOK_SECONDS)[0]
        if tidings in ready:
            os.read(tidings, 4096)
        if orders in ready:
            piece = os.read(orders, 4096)
            buffer += piece
            closed = not piece


def end_group(child: int) -> None:
    """The child led a session of its own; what it left running there ends with it."""
    try:
        os.killpg(child, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # nobody is left (macOS answers with a permission error when only zombies are)


def sweep(order: dict) -> None:
    for source, target in order["bring_home"]:
        if os.path.isdir(source):
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, symlinks=True)
    for path in order["remove"]:
        shutil.rmtree(path, ignore_errors=True)


def say(report: int, words: dict) -> None:
    try:
        os.write(report, json.dumps(words).encode() + b"\n")
    except BrokenPipeError:
        return  # nobody is left to hear it


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
