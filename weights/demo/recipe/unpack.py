"""Containers that hold recordings: Qt resources, the catalogue of OpenTTD, groups of OpenClonk, zip archives."""

import gzip
import struct
import zipfile
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


def openclonk_group(path: Path, out: Path, suffixes: tuple[str, ...]) -> None:
    """Writes the files with one of `suffixes` of an OpenClonk group file, groups inside it becoming folders."""
    data = path.read_bytes()
    _group(gzip.decompress(b"\x1f\x8b" + data[2:]), out, suffixes)


def _group(data: bytes, out: Path, suffixes: tuple[str, ...]) -> None:
    header = bytearray(data[:204])
    header[0:201:3], header[2:203:3] = header[2:203:3], header[0:201:3]
    header = bytes(b ^ 237 for b in header)
    if not header.startswith(b"RedWolf"):
        raise ValueError(f"{out} does not come from an OpenClonk group")
    count = struct.unpack_from("<i", header, 36)[0]
    for entry in (data[204 + 316 * k : 520 + 316 * k] for k in range(count)):
        name = entry[:260].split(b"\0")[0].decode("latin-1")
        _, child, size, _, offset = struct.unpack_from("<iiiii", entry, 260)
        start = 204 + 316 * count + offset
        content = data[start : start + size]
        if child:
            _group(content, out / name, suffixes)
        elif name.endswith(suffixes):
            out.mkdir(parents=True, exist_ok=True)
            (out / name).write_bytes(content)


def zipped(path: Path, out: Path, prefix: str, suffixes: tuple[str, ...]) -> None:
    """Writes the files below `prefix` with one of `suffixes` of a zip archive under `out`."""
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if n.startswith(prefix) and n.endswith(suffixes)]
        archive.extractall(out, names)
