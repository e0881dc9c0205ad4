"""Two containers that hold recordings: Qt resource files and the sound catalogue of OpenTTD."""

import struct
import zlib
from pathlib import Path


def qt_resource(path: Path, out: Path, suffixes: tuple[str, ...]) -> None:
    """Writes the files with one of `suffixes` of a compiled Qt resource file under `out`."""
    data = path.read_bytes()
    magic, version, tree, blob, names = struct.unpack_from(">4sIIII", data)
    if magic != b"qres":
        raise ValueError(f"{path} is not a Qt resource file")
    size = 22 if version >= 2 else 14

    def name_of(offset: int) -> str:
        length = struct.unpack_from(">H", data, names + offset)[0]
        return data[names + offset + 6 : names + offset + 6 + 2 * length].decode("utf-16-be")

    def walk(node: int, prefix: Path) -> None:
        name, flags, a, b = struct.unpack_from(">IHII", data, tree + node * size)
        here = prefix / name_of(name) if node else prefix
        if flags & 2:
            for child in range(b, b + a):
                walk(child, here)
        elif here.suffix in suffixes:
            start = blob + b
            length = struct.unpack_from(">I", data, start)[0]
            content = data[start + 4 : start + 4 + length]
            if flags & 1:
                content = zlib.decompress(content[4:])
            target = out / here
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)

    walk(0, Path())


def openttd_catalogue(path: Path, out: Path) -> None:
    """Writes every sound of an OpenTTD .cat file as its two-digit number under `out`."""
    data = path.read_bytes()
    count = (struct.unpack_from("<I", data)[0] & 0x7FFFFFFF) // 8
    out.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        offset, size = struct.unpack_from("<II", data, 8 * i)
        start = (offset & 0x7FFFFFFF) + 1 + data[offset & 0x7FFFFFFF]
        (out / f"{i:02d}.wav").write_bytes(data[start : start + size])
