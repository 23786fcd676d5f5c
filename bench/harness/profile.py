"""Where Kenwell's processor time went: a perf profile, by area, by thread and by symbol."""

import collections
import contextlib
import os
import re
import shutil
import signal
import subprocess

from .processes import Broken

HERTZ = 499
TOP = 15
WIDTH = 100

HOW = """perf is not installed, so there is no profile. To get one: apt-get install linux-perf | dnf install perf,
then bench/run again; or by hand: perf record -g -p $(pidof kenwell) -- sleep 5 && perf report --no-children"""

# The first that a symbol of the program matches names its area.
AREAS = [
    ("memory copied, compared, cleared", r"mem(cpy|move|set|cmp|chr)"),
    ("allocator", r"\b_?mi_|malloc|\bfree\b|realloc|calloc"),
    ("JSON", r"kenwell_json"),
    ("events", r"kenwell_event"),
    ("journal", r"kenwell_journal|crc32c"),
    ("delivery", r"kenwell_server::delivery|kenwell_server::dead_letters"),
    ("gateway", r"kenwell_server"),
    ("profiles and Redis client", r"\bkenwell::|\bredis::|combine::"),
    ("HTTP", r"\bhyper|\bhttp|httparse"),
    ("runtime", r"\btokio|\bmio::|futures|parking_lot|std::sync|pthread|syscall|epoll"),
]


def available():
    return shutil.which("perf") is not None


@contextlib.contextmanager
def recording(pid, path):
    """Records the process into the file at `path`, until the block is left."""
    (orders_out, orders), (answers, answers_in) = os.pipe(), os.pipe()
    # It attaches first and starts on an order, so that a short run is not over before it has begun.
    command = ["perf", "record", "-q", "-F", str(HERTZ), "-g", "-o", str(path), "-p", str(pid)]
    command += ["--delay", "-1", "--control", f"fd:{orders_out},{answers_in}"]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    recorder = subprocess.Popen(command, pass_fds=(orders_out, answers_in), start_new_session=True, text=True, **quiet)
    os.close(orders_out)
    os.close(answers_in)
    try:
        with contextlib.suppress(BrokenPipeError):
            os.write(orders, b"enable\n")
        if not os.read(answers, 16):
            raise Broken(f"perf failed: {recorder.communicate()[1].strip()}\nbench/run --no-profile does without it")
        yield
    finally:
        end(recorder)
        os.close(orders)
        os.close(answers)


def end(recorder):
    recorder.send_signal(signal.SIGINT)
    try:
        recorder.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        recorder.kill()
        recorder.wait()


def read(path):
    """(areas, threads, symbols): counters of samples."""
    command = ["perf", "script", "-i", str(path), "-F", "comm,ip,sym,dso"]
    text = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stdout
    areas, threads, symbols = (collections.Counter() for _ in range(3))
    for sample in text.strip().split("\n\n"):
        comm, *stack = [line.strip() for line in sample.splitlines()]
        frames = [frame for frame in map(parse, stack) if frame]
        if frames:
            areas[area(frames)] += 1
            threads[comm] += 1
            symbols[shorten(frames[0])] += 1
    return areas, threads, symbols


def parse(line):
    """(symbol, object) of `7f01 symbol (object)`."""
    found = re.match(r"[0-9a-f]+ (.*) \((.*?)\)$", line)
    return found and found.groups()


def area(frames):
    symbol, where = frames[0]
    if "kernel" in where:
        return f"kernel: {system_call(frames)}"
    return next((name for name, pattern in AREAS if re.search(pattern, symbol)), "other")


def system_call(frames):
    """What the kernel was asked for, from its part of the stack."""
    symbols = [symbol for symbol, _ in frames]
    for inner, outer in zip(symbols, symbols[1:]):
        if outer in ("do_syscall_64", "do_el0_svc", "invoke_syscall") and "exit_to_user_mode" not in inner:
            return re.sub(r"^(__(x64|arm64|se)_sys_|do_|ksys_)", "", inner)
    if any("page_fault" in symbol for symbol in symbols):
        return "page faults"
    return "interrupts and scheduling"


def shorten(frame):
    symbol, where = frame
    symbol = re.sub(r"::h[0-9a-f]{16}\b", "", re.sub(r"\[[0-9a-f]{16}\]", "", symbol))
    symbol = f"[kernel] {symbol}" if "kernel" in where else symbol
    return symbol if len(symbol) <= WIDTH else symbol[: WIDTH - 1] + "…"


def show(profile):
    """The profile as lines of text."""
    for title, counter in zip(("by area", "by thread", "by symbol (self)"), profile):
        total = sum(counter.values())
        yield f"{title}, {total} samples:"
        for name, count in counter.most_common(TOP):
            yield f"  {100 * count / total:5.1f} %  {name}"
        yield ""
