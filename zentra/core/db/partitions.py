"""An index on a partitioned table that is built while the table is written to.

PostgreSQL builds such an index concurrently on no parent, only on each partition by itself: so it is made on the parent
alone, which is instant and not yet valid; then on each partition, beside running work; and attached. With the last one
attached PostgreSQL makes it valid. It may be interrupted anywhere and run again.
"""

from typing import Any, Final

from django.contrib.postgres.operations import NotInTransactionMixin
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddIndex
from django.db.migrations.state import ProjectState

_PARTITIONS: Final = """
SELECT c.relname FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
 WHERE h.inhparent = %s::regclass ORDER BY c.relname
"""
_INDEX: Final = """
SELECT i.indisvalid, EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid) FROM pg_index i
 WHERE i.indexrelid = to_regclass(%s)
"""


class AddPartitionedIndex(NotInTransactionMixin, AddIndex):
    """``AddIndex`` for a table with one level of partitions, without keeping writers waiting. Not atomic."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,  # noqa: ARG002  # Django's signature
        to_state: ProjectState,
    ) -> None:
        """Make it on the parent, build it on each partition, attach each."""
        self._ensure_not_in_transaction(schema_editor)
        model: Any = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        table, name = model._meta.db_table, self.index.name
        definition = str(self.index.create_sql(model, schema_editor))
        words = f'CREATE INDEX "{name}" ON "{table}" '
        if not definition.startswith(words):
            raise ValueError(f"An index of another form: {definition}")
        columns = definition.removeprefix(words)
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(f'CREATE INDEX IF NOT EXISTS "{name}" ON ONLY "{table}" {columns}')
            cursor.execute(_PARTITIONS, [table])
            for (partition,) in cursor.fetchall():
                _build(cursor, f"{partition}{name.removeprefix(table)}", partition, columns)
                _attach(cursor, name, f"{partition}{name.removeprefix(table)}")


def _build(cursor: Any, name: str, partition: str, columns: str) -> None:
    """One partition's own index, beside running work; one that an interruption left half built is built anew."""
    cursor.execute(_INDEX, [f'"{name}"'])
    found = cursor.fetchone()
    if found is not None and not found[0]:
        cursor.execute(f'DROP INDEX "{name}"')
    if found is None or not found[0]:
        cursor.execute(f'CREATE INDEX CONCURRENTLY "{name}" ON "{partition}" {columns}')


def _attach(cursor: Any, parent: str, name: str) -> None:
    cursor.execute(_INDEX, [f'"{name}"'])
    if not cursor.fetchone()[1]:
        cursor.execute(f'ALTER INDEX "{parent}" ATTACH PARTITION "{name}"')
