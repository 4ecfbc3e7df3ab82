"""The delivery engine: batches claimed in one transaction, sent side by side on one loop, finished in one transaction.

``claiming`` and ``finishing`` are the two transactions, ``calling`` is what happens between them, ``breaker`` decides
when an endpoint is left alone, ``loop`` runs it all in a worker process.
"""
