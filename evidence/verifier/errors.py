"""What went wrong, in one sentence for people."""


class VerificationError(Exception):
    """The packet, proof or note is not what it claims to be; the message says what failed and where."""
