"""Processes that train one network together, on equal parts of each minibatch."""

import atexit
import contextlib
import datetime
import inspect
import itertools
import multiprocessing
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ..encoding._ragged import Ragged

__all__ = ["SINGLE", "LostProcessError", "Ranks", "connect", "find_ranks"]

# A process that does not answer for so long is taken for dead.
_TIMEOUT = datetime.timedelta(seconds=60)
# Waiting processes look this often, in seconds, whether another one is ready.
_POLL_SECONDS = 0.05
# Texts encoded at once; after them, a process looks whether the others still run.
_TEXTS_PER_BLOCK = 2**14


class LostProcessError(RuntimeError):
    """Error raised if a process that trains with this one ends or hangs."""


class Ranks:
    """The processes that train a network together; a single one has no others.

    All of them call the methods in the same order. They hold the same texts, weights
    and order of minibatches, and each computes the gradients of its part of the texts.

    Attributes
    ----------
    rank : int
        Number of this process, from 0.
    size : int
        Number of processes.
    local_rank : int
        Number of this process among those on the same machine.
    """

    rank, size, local_rank = 0, 1, 0

    def share(self, make):
        """Return ``make()``, which is called in process 0 only."""
        return make()

    def share_ragged(self, make):
        """Return ``make()``, a `Ragged`, which one process of each machine calls."""
        return make()

    def share_encoded(self, encode, texts):
        """Return ``encode(texts)``, a `Ragged`; each process encodes a part of it.

        The processes of a machine divide the texts equally, and hold the ids once.
        """
        return encode(texts)

    def gather(self, value):
        """Return the values of all processes, in their order."""
        return [value]

    def close(self):
        """End the communication with the others."""

    def take(self, rows):
        """Return those of the rows of a minibatch that this process computes."""
        return rows

    def parallel(self, network):
        """Return a function with gradients that are means over all processes.

        It computes what the network does; None in a single process.
        """

    def add(self, tensor):
        """Add the tensors of all processes, in place, and return the sum."""
        return tensor

    def synchronize(self, network):
        """Average the statistics of batch normalization over all processes."""

    @contextlib.contextmanager
    def explain_errors(self):
        """Raise errors of the connection with a message about its cause."""
        yield


SINGLE = Ranks()


class _ConnectedRanks(Ranks):
    """The processes of torch's default process group."""

    def __init__(self):
        self.rank = distributed.get_rank()
        self.size = distributed.get_world_size()
        # Its own connections: those of the caller may have another timeout.
        self._group = distributed.new_group(timeout=_TIMEOUT)
        self._store = distributed.PrefixStore(
            "sktextconv", distributed.distributed_c10d._get_default_store()
        )
        hosts = [None] * self.size
        distributed.all_gather_object(hosts, socket.gethostname(), group=self._group)
        same = [rank for rank in range(self.size) if hosts[rank] == hosts[self.rank]]
        self.local_rank = same.index(self.rank)
        self._local = same
        self._leaders = [hosts.index(host) for host in dict.fromkeys(hosts)]
        self._turn, self._polls = 0, itertools.count()
        self._beats = {}  # the last of each process, and when it was seen first
        self._closed = threading.Event()
        self._heart = threading.Thread(target=self._beat, daemon=True)
        self._heart.start()
        # A thread that uses the store while Python ends could abort the process.
        atexit.register(self.close)

    def close(self):
        self._closed.set()
        self._heart.join(timeout=5)
        atexit.unregister(self.close)

    def _beat(self):
        """Tell the other processes, as long as this one runs, that it does."""
        for count in itertools.count():
            try:
                self._store.set(f"beat {self.rank}", str(count))
            except RuntimeError:  # the process with the store has ended
                return
            if self._closed.wait(_TIMEOUT.total_seconds() / 10):
                return

    def _run_in(self, workers, make):
        """Call `make` in some processes, and return its result in them, None elsewhere.

        All processes wait for these. A collective operation would end after `_TIMEOUT`,
        but to read and encode all texts may take longer; so they watch whether they
        still run.
        """
        self._turn += 1
        made = None
        if self.rank in workers:
            try:
                made = make()
            except LostProcessError:
                raise  # the others see the cause themselves
            except BaseException as error:
                failure = f"process {self.rank} failed with "
                failure += f"{type(error).__name__}: {error}"
                # The first of them, if several fail.
                self._store.compare_set(f"failure {self._turn}", "", failure)
                raise
            self._store.set(f"turn {self._turn} {self.rank}", "")
        while not self._is_done(workers):
            time.sleep(_POLL_SECONDS)
        return made

    def _is_done(self, workers):
        """Return whether some processes have finished what they do in this turn.

        Raises
        ------
        LostProcessError
            If one has failed or does not run any more.
        """
        failure = f"failure {self._turn}"
        if self._store.check([failure]):
            raise self._error(self._store.get(failure).decode())
        if self._store.check([f"turn {self._turn} {rank}" for rank in workers]):
            return True
        # One in each call: many processes would ask the store too much.
        rank = workers[next(self._polls) % len(workers)]
        if self._store.check([f"turn {self._turn} {rank}"]):
            return False
        now, beat = time.monotonic(), None
        if self._store.check([f"beat {rank}"]):
            beat = self._store.get(f"beat {rank}")
        before, since = self._beats.get(rank, (None, now))
        since = now if beat != before else since
        self._beats[rank] = beat, since
        if now - since > _TIMEOUT.total_seconds():
            raise self._error(f"process {rank} has stopped or hangs")
        return False

    def share(self, make):
        values = [self._run_in([0], make)]
        with self.explain_errors():
            distributed.broadcast_object_list(values, src=0, group=self._group)
        return values[0]

    def share_ragged(self, make):
        return self._share_blocks(self._leaders, lambda: [make()])

    def share_encoded(self, encode, texts):
        start, stop = (
            len(texts) * (self.local_rank + end) // len(self._local) for end in (0, 1)
        )
        return self._share_blocks(
            range(self.size),
            lambda: (
                encode(texts[first : min(first + _TEXTS_PER_BLOCK, stop)])
                for first in range(start, stop, _TEXTS_PER_BLOCK)
            ),
        )

    def _share_blocks(self, workers, make_blocks):
        """Return a `Ragged` of the blocks of rows of some processes of this machine.

        Each of these writes its blocks to temporary files; one of each machine joins
        the files, and all map them.
        """
        local = [rank for rank in self._local if rank in workers]
        with contextlib.ExitStack() as stack:

            def write():
                # The memory stays mapped until the last process lets it go.
                folder = stack.enter_context(
                    tempfile.TemporaryDirectory(
                        prefix="sktextconv-", ignore_cleanup_errors=True
                    )
                )
                self._store.set(f"folder {self.rank}", folder)
                for block in make_blocks():
                    _append_ragged(Path(folder), block)
                    self._is_done(workers)

            self._run_in(workers, write)
            folders = [
                Path(self._store.get(f"folder {rank}").decode()) for rank in local
            ]
            self._run_in(self._leaders, lambda: _join_ragged(*folders))
            everyone = range(self.size)
            return self._run_in(everyone, lambda: _map_ragged(folders[0]))

    def gather(self, value):
        values = [None] * self.size
        with self.explain_errors():
            # With the timeout of the default group, by default half an hour: the
            # processes have read their data before they meet here.
            distributed.all_gather_object(values, value)
        return values

    def take(self, rows):
        return rows[self.rank :: self.size]

    def parallel(self, network):
        parallel = DistributedDataParallel(
            network, process_group=self._group, **{_SYNC_BUFFERS: False}
        )
        return parallel.__call__  # skorch would take a module for one of its own

    def add(self, tensor):
        distributed.all_reduce(tensor, group=self._group)
        return tensor

    def synchronize(self, network):
        for module in network.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                for statistic in (module.running_mean, module.running_var):
                    self.add(statistic).div_(self.size)

    @contextlib.contextmanager
    def explain_errors(self):
        try:
            yield
        except RuntimeError as error:
            # gloo raises plain RuntimeErrors.
            lost = isinstance(error, distributed.DistError) or "gloo" in str(error)
            if isinstance(error, LostProcessError) or not lost:
                raise
            reason = str(error).strip().splitlines()[0]
            raise self._error(
                f"another one has ended, or has not answered in time ({reason})"
            ) from error

    def _error(self, reason):
        return LostProcessError(
            f"Expected {self.size} processes to train together, but in process "
            f"{self.rank}: {reason}. Read the messages of the other processes, and "
            "start all of them again; with a checkpoint and resume=True they continue."
        )


_SYNC_BUFFERS = (
    "forward_sync_buffers"  # its name in newer releases of torch
    if "forward_sync_buffers" in inspect.signature(DistributedDataParallel).parameters
    else "broadcast_buffers"
)

# The ranks of a process group, which are found once.
_connected = (None, SINGLE)


def find_ranks():
    """Return the processes that train with this one; `SINGLE` if there are none.

    There are others under torchrun, in `connect`, and if the caller has initialized
    torch's default process group. A worker process of a search is alone.
    """
    global _connected
    if not distributed.is_available():
        return SINGLE
    if not distributed.is_initialized():
        in_worker_process = multiprocessing.parent_process() is not None
        if in_worker_process or not distributed.is_torchelastic_launched():
            return SINGLE
        distributed.init_process_group()
        atexit.register(distributed.destroy_process_group)
    if distributed.get_world_size() == 1:
        return SINGLE
    world = distributed.group.WORLD
    if _connected[0] is not world:
        _connected = world, _ConnectedRanks()
    return _connected[1]


@contextlib.contextmanager
def connect(rank, size, host, port):
    """Train together with the processes that enter this block with other ranks.

    Parameters
    ----------
    rank, size : int
    host : str
    port : int
        Of a `torch.distributed.TCPStore`.
    """
    global _connected
    store = distributed.TCPStore(host, port, is_master=False)
    distributed.init_process_group(store=store, rank=rank, world_size=size)
    try:
        yield
    finally:
        _connected[1].close()
        _connected = None, SINGLE
        distributed.destroy_process_group()


def _append_ragged(folder, ragged):
    """Append the rows of a `Ragged` to the files of a folder."""
    for name, part in (("rows", ragged), ("parts", ragged.parts)):
        if part is not None:
            np.save(folder / f"{name}.empty.npy", part.ids[:0])
            for kind, array in (("ids", part.ids), ("lengths", np.diff(part.offsets))):
                with (folder / f"{name}.{kind}").open("ab") as file:
                    array.tofile(file)


def _join_ragged(folder, *others):
    """Move the rows in other folders to the end of those in a folder."""
    for path in (path for other in others for path in sorted(other.iterdir())):
        mode = "wb" if path.suffix == ".npy" else "ab"
        with path.open("rb") as source, (folder / path.name).open(mode) as target:
            shutil.copyfileobj(source, target)
        path.unlink()
    for path in folder.glob("*.lengths"):
        lengths = np.fromfile(path, dtype=np.int64)
        np.save(path.with_suffix(".offsets.npy"), np.append(0, lengths.cumsum()))


def _map_ragged(folder):
    """Return the `Ragged` of a folder, mapped into memory."""

    def read(name, parts=None):
        ids = np.load(folder / f"{name}.empty.npy")
        path = folder / f"{name}.ids"
        if path.stat().st_size:
            # Copied on writing: torch requires writable memory, and nobody writes.
            ids = np.memmap(path, ids.dtype, "c").reshape(-1, *ids.shape[1:])
        offsets = np.load(folder / f"{name}.offsets.npy", mmap_mode="c")
        return Ragged(ids, offsets, parts)

    return read("rows", read("parts") if (folder / "parts.ids").exists() else None)
