"""The offline verifier: standard library and ``cryptography`` only, no Django and nothing else of this project.

``python -m evidence.verifier packet.zip --key <note verifier key>`` checks a packet without trusting who made it. The
same tree and note functions seal the log, so that there is one implementation to read.
"""
