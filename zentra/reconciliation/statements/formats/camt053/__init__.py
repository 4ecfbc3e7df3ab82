"""camt.053, the bank to customer statement of ISO 20022, versions 02 to 13 (``camt.053.001.02`` … ``.13``).

Written from the published message definition reports (iso20022.org, Bank-to-Customer Cash Management). Read entry by
entry by libxml2's push parser, so that memory does not grow with the file; an entry is forgotten once it was given
away. Before that the prolog is read by expat alone: a document type is refused where it begins, so nothing is ever
declared, expanded or fetched.

What the versions do differently and is read alike: the status (``Sts`` as text to 07, ``Sts/Cd`` since), parties
(``Dbtr/Nm`` to 07, ``Dbtr/Pty/Nm`` since), the amount of a transaction (``AmtDtls/TxAmt`` in 02, ``Amt`` since), the
net total (``TtlNetNtryAmt`` to 03, ``TtlNetNtry/Amt`` since), pages (``StmtPgntn`` since 03), ``UETR`` since 08.
"""

from zentra.reconciliation.statements.formats.camt053.reader import read_camt053

__all__ = ["read_camt053"]
