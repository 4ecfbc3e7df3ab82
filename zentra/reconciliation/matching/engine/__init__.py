"""The engine: rules as set-based SQL over what is open. Private to ``matching``.

``working`` copies what is open into temporary tables, ``pairing`` and ``grouping`` find matches in them, ``writing``
keeps them, ``sorting`` tells what is left what it is.
"""
