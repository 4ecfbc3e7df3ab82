"""Teams: new cases of a queue go to the least loaded of its teams who is on shift, else as without teams."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.ledger.book import at_once
from tests.people import Person
from tests.policy.cases import Cases
from zentra.tenants.access import PermissionDenied
from zentra.tenants.members.operations import remove_member
from zentra.tenants.models import Membership
from zentra.tenants.teams.errors import InvalidTeam, StaleTeam, TeamExists, UnknownTeam
from zentra.tenants.teams.operations import change_team, create_team, remove_team
from zentra.tenants.teams.queries import find_team, list_teams

if TYPE_CHECKING:
    from zentra.core.tenancy import TenantRef
    from zentra.tenants.teams.types import TeamRecord


@pytest.fixture
def cases(workspace: TenantRef) -> Cases:
    return Cases(workspace)


def make(cases: Cases, by: Person, *people: Person, name: str = "Days", queue: str = "operations") -> TeamRecord:
    team: TeamRecord = cases.do(
        create_team, workspace=cases.ws, name=name, queue=queue, members=[each.id for each in people], actor=by.actor()
    )
    return team


def change(cases: Cases, by: Person, team: TeamRecord, *people: Person, **more: Any) -> TeamRecord:
    said = {"team_id": team.id, "version": team.version, "name": team.name, "queue": team.queue}
    changed: TeamRecord = cases.do(
        change_team, workspace=cases.ws, members=[each.id for each in people], actor=by.actor(), **said | more
    )
    return changed


def test_new_cases_go_to_a_team_s_people_on_shift_and_else_to_everybody(
    cases: Cases, admin: Person, operator: Person, operator2: Person, compliance: Person
) -> None:
    team = make(cases, admin, operator2, compliance)
    assert {cases.hold().owner for _ in range(4)} == {operator2.id, compliance.id}

    change(cases, admin, team, operator2)
    assert {cases.hold().owner for _ in range(3)} == {operator2.id}
    Membership.objects.filter(workspace_id=cases.ws.id, user_id=operator2.id).update(on_shift=False)
    assert {cases.hold().owner for _ in range(8)} == {operator.id, compliance.id}
    Membership.objects.filter(workspace_id=cases.ws.id, user_id=operator2.id).update(on_shift=True, role="viewer")
    assert cases.hold().owner != operator2.id  # of a team, and may not decide any more

    # A compliance team changes nothing for operations.
    cases.do(remove_team, workspace=cases.ws, team_id=team.id, version=None, actor=admin.actor())
    make(cases, admin, compliance, name="Screening", queue="compliance")
    assert operator.id in {cases.hold().owner for _ in range(4)}


def test_who_leaves_the_workspace_leaves_its_teams(cases: Cases, admin: Person, operator: Person) -> None:
    team = make(cases, admin, operator, admin)
    cases.do(remove_member, workspace=cases.ws, user_id=operator.id, version=None, actor=admin.actor())
    left = find_team(workspace_id=cases.ws.id, team_id=team.id)
    assert left is not None
    assert left.members == (admin.id,)


def test_what_cannot_be_a_team_is_refused(cases: Cases, admin: Person, operator: Person, outsider: Person) -> None:
    team = make(cases, admin, operator)
    for error, act in (
        (TeamExists, partial(make, cases, admin, operator)),
        (InvalidTeam, partial(make, cases, admin, outsider, name="Strangers")),
        (InvalidTeam, partial(make, cases, admin, name="Nobody")),
        (InvalidTeam, partial(make, cases, admin, operator, name="  ")),
        (InvalidTeam, partial(make, cases, admin, operator, name="Other", queue="sales")),
        (PermissionDenied, partial(make, cases, operator, operator, name="Ours")),
        (StaleTeam, partial(change, cases, admin, team, operator, version=7)),
        (UnknownTeam, partial(change, cases, admin, team, operator, team_id="team_" + "0" * 26)),
        (UnknownTeam, partial(change, cases, admin, team, operator, team_id="nonsense")),
    ):
        with pytest.raises(error):
            act()
    assert [each.name for each in list_teams(workspace_id=cases.ws.id)] == ["Days"]


def test_of_many_who_make_a_team_of_one_name_one_does(cases: Cases, admin: Person, operator: Person) -> None:
    answers = at_once([partial(make, cases, admin, operator) for _ in range(6)], threads=6)
    assert sum(isinstance(each, TeamExists) for each in answers) == 5
    (team,) = list_teams(workspace_id=cases.ws.id)
    answers = at_once([partial(change, cases, admin, team, operator) for _ in range(6)], threads=6)
    assert sum(isinstance(each, StaleTeam) for each in answers) == 5
