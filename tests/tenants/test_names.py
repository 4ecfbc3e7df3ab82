"""A person's name is told in the workspaces that they are a member of, and nowhere else."""

from tests.people import Person
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.queries import names_of_users


def test_the_name_of_another_tenant_s_person_is_not_told(
    workspace: TenantRef, operator: Person, outsider: Person
) -> None:
    with tenant_work(workspace):
        names = names_of_users(user_ids=[operator.id, outsider.id, "usr_uuuuuuuuuuuuuuuuuuuuuuuuuu", "key_1"])

    assert names.keys() == {operator.id}
    assert names_of_users(user_ids=[outsider.id], workspace_id=workspace.id) == {}
