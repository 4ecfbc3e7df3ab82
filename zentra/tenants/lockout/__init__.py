"""How often a password may be tried, so that guessing is hopeless and nobody is locked out by somebody else.

A browser in which the person signed in before has a bucket of its own (a signed cookie; OWASP, "Slow Down Online
Guessing Attacks with Device Cookies"). Every other try is counted for the account and for the account at its address.
So whoever guesses shuts out neither the owner's own browser nor anybody else behind the same address.
"""
