"""The zip around a packet: written so that the same files always give the same bytes, and read with suspicion."""

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from evidence.verifier.errors import VerificationError

MAX_ARCHIVE_BYTES: Final = 256 * 1024 * 1024
MAX_FILE_BYTES: Final = 32 * 1024 * 1024
MAX_TOTAL_BYTES: Final = 256 * 1024 * 1024
MAX_FILES: Final = 50_000
_FIXED_TIME: Final = (1980, 1, 1, 0, 0, 0)
_REGULAR_FILE: Final = 0o100644 << 16
_LOCAL_HEADER: Final = struct.Struct("<4sHHHHHIIIHH")
_ENCRYPTED: Final = 0x1
_SIZES_FOLLOW: Final = 0x8


def write_archive(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files: sorted, stored uncompressed, without the time or the machine of its making."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression=zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, date_time=_FIXED_TIME)
            info.create_system = 3
            info.external_attr = _REGULAR_FILE
            archive.writestr(info, files[name])
    return target.getvalue()


def read_archive(content: bytes) -> dict[str, bytes]:
    """The files of a packet by name; raises VerificationError.

    Refused: what is not a whole zip, a name that is there twice or leads out of the folder, an encrypted or oddly
    compressed file, a file whose two headers disagree, and anything that would unpack to more than a packet can hold.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            _check_members(members, archive.comment)
            return {member.filename: _read_member(archive, member, content) for member in members}
    except VerificationError:
        raise
    except Exception as error:  # zipfile raises half a dozen unrelated types on damaged input
        raise VerificationError(f"the packet is not a whole zip file: {_sentence(error)}") from error


def read_file(path: Path) -> bytes:
    """The bytes of a packet on disk, if it is not too large to be one; raises VerificationError."""
    try:
        if path.stat().st_size > MAX_ARCHIVE_BYTES:
            raise VerificationError(f"the packet is larger than {MAX_ARCHIVE_BYTES // 2**20} MiB")
        return path.read_bytes()
    except OSError as error:
        raise VerificationError(f"the packet cannot be opened: {error.strerror or _sentence(error)}") from error


def _check_members(members: list[zipfile.ZipInfo], comment: bytes) -> None:
    if comment:
        raise VerificationError("the zip carries a comment, which a packet does not")
    if len(members) > MAX_FILES:
        raise VerificationError(f"the zip holds more than {MAX_FILES} files")
    if members and all(member.header_offset for member in members):
        raise VerificationError("the zip has bytes before its first file")
    if sum(member.file_size for member in members) > MAX_TOTAL_BYTES:
        raise VerificationError(f"the zip would unpack to more than {MAX_TOTAL_BYTES // 2**20} MiB")
    seen: set[str] = set()
    for member in members:
        if member.filename in seen:
            raise VerificationError(f"{member.filename} is in the zip twice")
        seen.add(member.filename)
        _check_member(member)


def _check_member(member: zipfile.ZipInfo) -> None:
    name = member.filename
    if name.startswith("/") or "\\" in name or "\x00" in name or ".." in name.split("/") or name.endswith("/"):
        raise VerificationError(f"the zip holds a file with an unsafe name: {name[:80]!r}")
    if member.flag_bits & _ENCRYPTED:
        raise VerificationError(f"{name} is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise VerificationError(f"{name} is compressed in a way that packets never are")
    if member.file_size > MAX_FILE_BYTES:
        raise VerificationError(f"{name} would unpack to more than {MAX_FILE_BYTES // 2**20} MiB")


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, content: bytes) -> bytes:
    _check_local_header(member, content)
    try:
        with archive.open(member) as file:
            # The declared size bounds what zipfile hands out; one byte more would mean that it lied.
            data = file.read(member.file_size + 1)
    except Exception as error:
        raise VerificationError(f"{member.filename} is damaged: {_sentence(error)}") from error
    if len(data) != member.file_size:
        raise VerificationError(f"{member.filename} is not as long as the zip says")
    return data


def _check_local_header(member: zipfile.ZipInfo, content: bytes) -> None:
    """A zip describes each file twice; two readers may not see two different packets."""
    header = _LOCAL_HEADER.unpack_from(content, member.header_offset)
    _, _, flags, method, time, date, crc, packed, size, _, _ = header
    year, month, day, hour, minute, second = member.date_time
    moment = (hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day)
    same = (flags, method, (time, date)) == (member.flag_bits, member.compress_type, moment)
    if not flags & _SIZES_FOLLOW:
        same = same and (crc, packed, size) == (member.CRC, member.compress_size, member.file_size)
    if not same:
        raise VerificationError(f"the zip describes {member.filename} in two different ways")


def _sentence(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__
