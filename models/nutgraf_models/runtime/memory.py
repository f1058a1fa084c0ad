"""Returns unused memory to the system. Does nothing on systems without support for it."""

import ctypes
from pathlib import Path

_MADV_DONTNEED = 4


def give_back_freed() -> None:
    """Makes the C library return freed memory to the system, for example after loading a model."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
    if trim is not None:
        trim(0)


def give_back_pages(file: Path) -> None:
    """Removes a file's read-only mapped pages from this process's memory.

    They stay valid: if they are read again, they come from the system's page cache or from the file.
    """
    try:
        mappings = Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return
    path = str(file.resolve())
    for mapping in mappings:
        addresses, access, _, _, _, *name = mapping.split(maxsplit=5)
        # Writable pages stay, because the file may lack their content.
        if name == [path] and "w" not in access:
            start, end = (int(address, 16) for address in addresses.split("-"))
            ctypes.CDLL(None).madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)
