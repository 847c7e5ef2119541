"""Outputs of many files, and processes that are ended while they write them."""

import os
import signal
import threading


def read_outputs(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def states(printed):
    """Return the end of each line about a file, without times, by name."""
    lines = [line.partition("] ")[2] for line in printed.splitlines()[:-1]]
    pairs = (line.partition(": ")[::2] for line in lines)
    return {name: text.partition(";")[0].partition(" in ")[0] for name, text in pairs}


def when_begun(folder, name, action):
    """Call a function in a thread, with the path, once the output has been begun."""

    def watch():
        for _ in range(6000):
            for path in folder.glob(f"{name}.*.part"):
                action(path)
                return
            stop.wait(0.01)

    stop = threading.Event()
    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def kill_writer(path):
    """Kill the process that writes an output; its number is in the name."""
    os.kill(int(path.name.split(".")[2]), signal.SIGKILL)
