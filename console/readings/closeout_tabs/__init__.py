"""The four views of a period: checklist, exceptions, trial balance, packet; a module each."""
