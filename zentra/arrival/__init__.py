"""How long a request may take to arrive, whoever serves it.

A client that sends its request byte by byte holds a connection of Daphne, or a thread of gunicorn, for as long as it
likes: both know an idle time only, which each byte starts anew. Here a request has a time for its head, and one for its
body that grows with the length that it declares. What is not there by then is ended; nothing of it was run.
"""
