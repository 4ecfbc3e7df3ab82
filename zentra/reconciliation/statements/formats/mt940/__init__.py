"""MT940, SWIFT's customer statement message, as banks send it: in its envelope or bare, several to a file.

Written from the field specifications of the SWIFT Standards MT (Category 9, MT 940 Customer Statement Message) and, for
the sub-fields of ``:86:``, from the rules of German banks (Anlage 3 of the DFÜ agreement, chapter on SWIFT formats) and
the code words of Dutch, Swiss and SWIFT's own structured remittance information. Read field by field, so that memory
does not grow with the file; every problem names the line of the file and its tag.
"""

from zentra.reconciliation.statements.formats.mt940.reader import read_mt940

__all__ = ["read_mt940"]
