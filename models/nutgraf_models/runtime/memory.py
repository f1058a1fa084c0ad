"""Giving back memory that is not needed any more. Does nothing where the system has no means for it."""

import ctypes
from pathlib import Path

_MADV_DONTNEED = 4


def give_back_freed() -> None:
    """Has the C library return to the system what it keeps of freed memory, such as after loading a model."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
    if trim is not None:
        trim(0)


def give_back_pages(file: Path) -> None:
    """Takes the pages of a file out of this process's memory, where it is mapped to be read. They stay valid.

    What is read again comes from the system's cache of files, or from the file.
    """
    try:
        mappings = Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return
    path = str(file.resolve())
    for mapping in mappings:
        addresses, access, _, _, _, *name = mapping.split(maxsplit=5)
        # What has been written to private pages is nowhere else, so they stay.
        if name == [path] and "w" not in access:
            start, end = (int(address, 16) for address in addresses.split("-"))
            ctypes.CDLL(None).madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)
