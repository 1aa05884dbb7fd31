"""`stockstream deploy`: what it looks at in the account, and that nothing is uploaded past a problem."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, WaiterError
from moto import mock_aws

from producer.settings import ProducerSettings
from stockstream_deploy import deploy_command
from stockstream_deploy import sam as sam_module
from stockstream_deploy.account import (
    Account,
    ask,
    ask_account,
    examine_catalog_for,
    examine_log_policies,
    examine_names,
    examine_state,
)
from stockstream_deploy.parameters import merge, parse_assignments
from stockstream_deploy.stored_secrets import COINS, examine_channels, examine_key
from stockstream_deploy.values import Values, examine_values, read_producer
from stockstream_local import cli
from stockstream_operate.cost.figures import PRODUCER_SECONDS
from stockstream_operate.doctor.finding import Finding, Level, good, note, problem
from stockstream_operate.stack import Stack

ROOT = Path(__file__).parents[2]
TEMPLATE = deploy_command.read_template(ROOT)
NEW = Account("123456789012", "us-east-1", None, Stack("mine", None, {}))


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


def values(*chosen: str) -> Values:
    return Values(TEMPLATE, merge(TEMPLATE, {}, parse_assignments(chosen)))


def settings(*chosen: str) -> ProducerSettings:
    return read_producer(values(*chosen))


def refuse(code: str, message: str) -> Any:
    def call(**_asked: str) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": message}}, "Ask")

    return call


# --- the stack's state


@pytest.mark.parametrize(
    ("status", "level", "words"),
    [
        (None, Level.GOOD, ""),
        ("CREATE_COMPLETE", Level.GOOD, ""),
        ("UPDATE_ROLLBACK_COMPLETE", Level.GOOD, ""),
        ("ROLLBACK_COMPLETE", Level.PROBLEM, "stockstream remove --stack mine --yes"),
        ("DELETE_FAILED", Level.PROBLEM, "stockstream remove --stack mine --yes"),
        ("UPDATE_ROLLBACK_FAILED", Level.PROBLEM, "continue-update-rollback --stack-name mine"),
        ("UPDATE_IN_PROGRESS", Level.PROBLEM, "Wait"),
        ("DELETE_IN_PROGRESS", Level.PROBLEM, "Wait"),
    ],
)
def test_a_stack_that_cannot_be_changed_is_in_the_way_with_what_mends_it(
    status: str | None, level: Level, words: str
) -> None:
    (finding,) = examine_state(NEW._replace(status=status))

    assert finding.level is level
    assert words in finding.remedy


class Formation:
    """CloudFormation with one stack."""

    meta = SimpleNamespace(region_name="us-east-1")

    def __init__(self, status: str, *kinds: str) -> None:
        self.status, self.kinds = status, kinds

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 (boto3's name)
        if StackName != "mine":
            refuse("ValidationError", f"Stack with id {StackName} does not exist")()
        parameters = [{"ParameterKey": "LogLevel", "ParameterValue": "DEBUG"}]
        return {"Stacks": [{"StackStatus": self.status, "Parameters": parameters}]}

    def get_paginator(self, _operation: str) -> "Formation":
        return self

    def paginate(self, **_asked: str) -> list[dict[str, Any]]:
        found = [
            {"LogicalResourceId": kind, "PhysicalResourceId": kind, "ResourceType": kind}
            for kind in self.kinds
        ]
        return [{"StackResourceSummaries": found}]


def with_formation(monkeypatch: pytest.MonkeyPatch, formation: Formation, **others: Any) -> None:
    """Lets boto3 give this CloudFormation, and these clients; what else is asked for is moto's."""
    real = boto3.client
    clients = {"cloudformation": formation, **others}
    monkeypatch.setattr(boto3, "client", lambda name: clients.get(name) or real(name))


def test_what_the_stack_has_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with_formation(monkeypatch, Formation("UPDATE_COMPLETE"))

    found = ask_account("mine")
    assert (found.number, found.region, found.status) == ("123456789012", "us-east-1", "UPDATE_COMPLETE")
    assert found.stack.parameters == {"LogLevel": "DEBUG"}
    assert ask_account("other") == NEW._replace(stack=Stack("other", None, {}))


def test_a_change_set_that_was_never_carried_out_is_no_stack_and_has_no_parameters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_formation(monkeypatch, Formation("REVIEW_IN_PROGRESS"))

    assert ask_account("mine") == NEW


# --- names


class Named:
    """Glue, Athena and CloudWatch, with or without what is named after the stack."""

    def __init__(self, *there: str) -> None:
        self.there = there

    def get_database(self, Name: str) -> None:  # noqa: N803 (boto3's names)
        if Name not in self.there:
            refuse("EntityNotFoundException", "Database not found.")()

    def get_work_group(self, WorkGroup: str) -> None:  # noqa: N803
        if f"{WorkGroup} group" not in self.there:
            refuse("InvalidRequestException", "WorkGroup is not found.")()

    def get_dashboard(self, DashboardName: str) -> None:  # noqa: N803
        if DashboardName not in self.there:
            refuse("ResourceNotFound", "Dashboard does not exist")()


def name_findings(monkeypatch: pytest.MonkeyPatch, of: Account, named: Named, *kinds: str) -> Finding:
    with_formation(
        monkeypatch, Formation("CREATE_COMPLETE", *kinds), glue=named, athena=named, cloudwatch=named
    )
    (finding,) = examine_names(of)
    return finding


def test_a_name_that_something_else_has_is_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    of = NEW._replace(stack=Stack("my-stack", None, {}))
    assert name_findings(monkeypatch, of, Named()).level is Level.GOOD

    found = name_findings(
        monkeypatch, of, Named("my_stack", "my-stack group", "my-stack-us-east-1", "my-stack")
    )

    assert found.level is Level.PROBLEM
    assert found.words == (
        "Glue's database my_stack and Athena's workgroup my-stack "
        "and CloudWatch's dashboard my-stack-us-east-1 are there, and no part of this stack"
    )
    assert "--stack my-stack-2" in found.remedy


def test_a_name_that_the_stack_has_itself_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    of = NEW._replace(status="CREATE_COMPLETE")
    named = Named("mine", "mine group")

    found = name_findings(monkeypatch, of, named, "AWS::Glue::Database", "AWS::Athena::WorkGroup")
    assert found.level is Level.GOOD
    assert name_findings(monkeypatch, of, named, "AWS::Glue::Database").words == (
        "Athena's workgroup mine is there, and no part of this stack"
    )


def test_a_name_in_upper_case_is_in_the_way_since_glue_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    found = name_findings(monkeypatch, NEW._replace(stack=Stack("Mine", None, {})), Named())

    assert (found.level, found.remedy) == (Level.PROBLEM, "make deploy ARGS='--stack mine'")


# --- secrets


def put(name: str, value: str, kind: Any = "SecureString") -> None:
    boto3.client("ssm").put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)


def key_of(*chosen: str) -> Finding:
    (finding,) = examine_key(NEW, settings(*chosen), "")
    return finding


def test_the_key_is_there_encrypted_and_not_empty() -> None:
    missing = key_of()
    assert (missing.level, missing.words) == (Level.PROBLEM, "there is no parameter /stockstream/api-key")
    assert ".venv/bin/stockstream secret /stockstream/api-key; or coins" in missing.remedy

    put("/stockstream/api-key", "SECRET", "String")
    assert "stored in the clear" in key_of().words
    put("/mine/key", " ")
    assert key_of("ApiKeyParameterName=/mine/key").words == "/mine/key is empty"
    put("/mine/key", "SECRET")
    assert key_of("ApiKeyParameterName=/mine/key") == good("provider's key", "/mine/key holds one")


def test_a_key_of_alpaca_has_two_halves() -> None:
    put("/stockstream/api-key", "HALF")

    found = key_of("Provider=alpaca")
    assert found.level is Level.PROBLEM
    assert "HALF" not in found.words
    put("/stockstream/api-key", "ID:SECRET")
    assert key_of("Provider=alpaca").level is Level.GOOD


def test_what_is_kept_under_a_key_of_the_users_own_needs_that_key_named() -> None:
    kms, ssm = boto3.client("kms"), boto3.client("ssm")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/mine", TargetKeyId=arn)
    for name, key in (("/mine/key", arn), ("/mine/slack", "alias/mine")):
        ssm.put_parameter(Name=name, Value="https://a.io", Type="SecureString", KeyId=key)
    chosen = settings("ApiKeyParameterName=/mine/key")

    for findings in (examine_key(NEW, chosen, ""), examine_channels(NEW, ["/mine/slack"], arn[:-1])):
        refused, read = findings
        assert (refused.level, read.level) == (Level.PROBLEM, Level.GOOD)
        assert refused.remedy == f"make deploy ARGS='--stack mine SecretsKeyArn={arn}'"
    for findings in (examine_key(NEW, chosen, arn), examine_channels(NEW, ["/mine/slack"], arn)):
        assert [each.level for each in findings] == [Level.GOOD]


@pytest.mark.parametrize(("provider", "title"), [("alpaca", "Alpaca"), ("kraken", "Kraken")])
def test_coins_need_no_key_and_the_parameters_that_are_named_for_them_are_taken(
    provider: str, title: str
) -> None:
    chosen = [*COINS.split(), f"Provider={provider}"]

    assert [each.level for each in examine_values(values(*chosen))] == [Level.GOOD]
    found = key_of(*chosen)
    assert (found.level, found.words) == (Level.GOOD, f"{title} needs none for these instruments")


def test_a_channel_has_an_address() -> None:
    put("/a/slack", "https://hooks.slack.com/x")
    put("/a/webhook", "https://a.io KEY")
    put("/a/teams", "http://a.io")

    found = list(examine_channels(NEW, ["/a/slack", "/a/webhook", "/a/teams", "/b/slack"], ""))

    assert [each.level for each in found] == [Level.GOOD, Level.GOOD, Level.PROBLEM, Level.PROBLEM]
    assert "a.io" not in found[2].words


def test_what_may_not_be_asked_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    denied = SimpleNamespace(describe_parameters=refuse("AccessDeniedException", "no"))
    monkeypatch.setattr(boto3, "client", lambda _name: denied)

    (finding,) = ask("provider's key", examine_key(NEW, settings(), ""))

    assert (finding.level, "AccessDenied" in finding.words) == (Level.NOTE, True)


# --- the search domain's log


def log_findings(of: Account, *chosen: str) -> list[Finding]:
    return list(examine_log_policies(of, values(*chosen).parameters))


def test_a_search_domain_needs_room_for_the_policy_of_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    logs = boto3.client("logs")
    for number in range(9):
        logs.put_resource_policy(policyName=f"of-another-{number}", policyDocument="{}")
    assert log_findings(NEW, "SearchEnabled=true") == []

    logs.put_resource_policy(policyName="of-another-9", policyDocument="{}")
    (found,) = log_findings(NEW, "SearchEnabled=true")
    assert (found.level, "us-east-1 has 10 policies" in found.words) == (Level.PROBLEM, True)
    assert "of-another-3" in found.remedy
    arn = "arn:aws:es:us-east-1:123456789012:domain/mine"
    there = ("SearchEndpoint=https://a.io", f"SearchDomainArn={arn}")
    assert log_findings(NEW) == log_findings(NEW, "SearchEnabled=true", *there) == []
    # A stack that has its policy needs no other.
    with_formation(monkeypatch, Formation("UPDATE_COMPLETE", "AWS::Logs::ResourcePolicy"))
    assert log_findings(NEW._replace(status="UPDATE_COMPLETE"), "SearchEnabled=true") == []


# --- Lake Formation


def with_guard() -> None:
    """Takes the default away that leaves new tables to IAM."""
    settings: Any = {"CreateDatabaseDefaultPermissions": [], "CreateTableDefaultPermissions": []}
    boto3.client("lakeformation").put_data_lake_settings(DataLakeSettings=settings)


def test_where_iam_alone_decides_nothing_is_to_be_granted() -> None:
    (found,) = examine_catalog_for(NEW, "PARQUET")
    assert found.level is Level.GOOD


def test_a_new_stack_that_lake_formation_guards_needs_a_grant_and_cannot_begin_with_parquet() -> None:
    with_guard()

    (told,) = examine_catalog_for(NEW, "JSON")
    assert (told.level, "--permissions CREATE_DATABASE" in told.remedy) == (Level.NOTE, True)
    _, refused = examine_catalog_for(NEW, "PARQUET")
    assert (refused.level, "LakeFormat=JSON" in refused.remedy) == (Level.PROBLEM, True)


def test_a_stack_goes_over_to_parquet_once_firehose_may_see_the_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_guard()
    monkeypatch.setattr(Stack, "resources", lambda *_: {"DeliveryRole": "mine-DeliveryRole-1"})
    database = {"Name": "mine", "CreateTableDefaultPermissions": []}
    glue = SimpleNamespace(get_database=lambda **_asked: {"Database": database})
    with_formation(monkeypatch, Formation("UPDATE_COMPLETE"), glue=glue)
    of = NEW._replace(stack=Stack("mine", None, {"LakeDatabaseName": "mine"}, {"LakeFormat": "JSON"}))

    assert [each.level for each in examine_catalog_for(of, "JSON")] == [Level.NOTE]
    _, refused = examine_catalog_for(of, "PARQUET")
    assert refused.level is Level.PROBLEM


# --- the command


class Changing(Formation):
    """CloudFormation with a stack, and a change set that does this to it."""

    def __init__(self, *changes: dict[str, str], fails: bool = False) -> None:
        super().__init__("UPDATE_COMPLETE")
        self.changes, self.fails = changes, fails
        self.done: list[str] = []

    def get_paginator(self, operation: str) -> Any:
        pages: dict[str, list[dict[str, Any]]] = {
            "describe_change_set": [{"Changes": [{"ResourceChange": each}]} for each in self.changes],
            "describe_stack_events": [{"StackEvents": self.events()}],
            "list_stack_resources": [{"StackResourceSummaries": []}],
        }
        return SimpleNamespace(paginate=lambda **_asked: pages[operation])

    def events(self) -> list[dict[str, str]]:
        """The newest first."""
        told = [("old", "NoticeTable", "of last week"), ("1", "BarStream", "there are too many")]
        told += [("2", "LakeBucket", "Resource update cancelled")]
        names = ("EventId", "LogicalResourceId", "ResourceStatusReason")
        found = [{"ResourceStatus": "UPDATE_FAILED", **dict(zip(names, each, strict=True))} for each in told]
        return found[::-1] if self.done else found[:1]

    def execute_change_set(self, ChangeSetName: str) -> None:  # noqa: N803 (boto3's name)
        self.done.append(f"executed {ChangeSetName}")

    def delete_change_set(self, ChangeSetName: str) -> None:  # noqa: N803
        self.done.append(f"deleted {ChangeSetName}")

    def get_waiter(self, name: str) -> Any:
        def wait(StackName: str, WaiterConfig: Any) -> None:  # noqa: N803
            assert WaiterConfig
            self.done.append(f"waited for {name} of {StackName}")
            if self.fails:
                raise WaiterError(name, "it failed", {})

        return SimpleNamespace(wait=wait)


CHANGE_SET = "arn:the-change-set"


class Sam:
    """Records what would be run, builds modules for one processor, and says that it has made a change set."""

    def __init__(self, root: Path, machine: int) -> None:
        self.root, self.machine = root, machine
        self.builds: list[list[str]] = []
        self.deployments: list[list[str]] = []
        self.said: dict[str, str] = {"status": "changeset_created", "changeset_id": CHANGE_SET}

    def run(self, _name: str, command: list[str], _folder: Path, _environ: object, log: Path) -> None:
        if command[1] == "build":
            self.builds.append(command)
            self.build()
        else:
            self.deployments.append(command)
            result = json.dumps({"type": "result"} | self.said)
            log.write_text(f"Uploading to mine/abc  262144 / 524288\n{result}\n", encoding="utf-8")

    def build(self) -> None:
        folder = self.root / sam_module.BUILT
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "a.so").write_bytes(b"\x7fELF" + bytes(14) + self.machine.to_bytes(2, "little"))


@pytest.fixture
def sam(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sam:
    """A clone in which sam does nothing, and an account with which all is well."""
    (tmp_path / "samconfig.toml").write_bytes((ROOT / "samconfig.toml").read_bytes())
    # It takes sam a second to parse.
    monkeypatch.setattr(deploy_command, "read_template", lambda _root: TEMPLATE)
    made = Sam(tmp_path, 183)
    for module in (deploy_command, sam_module):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(sam_module, "make_state", lambda: tmp_path)
    monkeypatch.setattr(sam_module, "run_tool", made.run)
    monkeypatch.setattr(deploy_command, "examine_all", lambda *_: iter([good("all", "well")]))
    with_formation(monkeypatch, Changing())
    return made


def overrides(command: list[str]) -> list[str]:
    return command[command.index("--parameter-overrides") + 1 :]


def test_it_deploys_what_was_chosen_and_lets_aws_keep_the_rest(sam: Sam) -> None:
    assert cli.main(["deploy", "--stack", "mine", "Instruments=AAPL,MSFT", "AlertEmail=me@a.io"]) == 0

    (build,), (command,) = sam.builds, sam.deployments
    assert overrides(build) == ['Architecture="arm64"']
    assert overrides(command) == [
        'Instruments="AAPL,MSFT"',
        'AlertEmail="me@a.io"',
        'Architecture="arm64"',
    ]
    assert command[command.index("--stack-name") + 1] == "mine"
    # Beside the built template, where sam would look for it, there is none.
    for each in (build, command):
        assert each[each.index("--config-file") + 1] == str(sam.root / "samconfig.toml")
    assert {"--no-confirm-changeset", "--no-fail-on-empty-changeset"} < set(command)


def test_an_environments_own_parameters_are_deployed_with_those_of_the_command(sam: Sam) -> None:
    assert cli.main(["deploy", "--config-env", "prod", "LogLevel=DEBUG"]) == 0

    assert overrides(sam.deployments[0]) == [
        'LogRetentionDays="90"',
        'LogLevel="DEBUG"',
        'Architecture="arm64"',
    ]


def test_one_architecture_decides_what_is_built_and_what_is_deployed(sam: Sam) -> None:
    sam.machine = 62

    assert cli.main(["deploy", "Architecture=x86_64"]) == 0
    assert overrides(sam.builds[0]) == overrides(sam.deployments[0]) == ['Architecture="x86_64"']


def test_the_architecture_that_the_stack_has_is_built_again(
    sam: Sam, monkeypatch: pytest.MonkeyPatch
) -> None:
    sam.machine = 62
    kept = Account("1", "us-east-1", "CREATE_COMPLETE", Stack("mine", None, {}, {"Architecture": "x86_64"}))
    monkeypatch.setattr(deploy_command, "ask_account", lambda _name: kept)

    assert cli.main(["deploy"]) == 0
    assert overrides(sam.builds[0]) == overrides(sam.deployments[0]) == ['Architecture="x86_64"']


def test_a_build_for_another_processor_is_not_uploaded(sam: Sam, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["deploy", "Architecture=x86_64"]) == 1

    assert sam.deployments == []
    assert "a.so is for arm64" in capsys.readouterr().out


def test_nothing_is_built_past_a_problem(
    sam: Sam, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        deploy_command, "examine_all", lambda *_: iter([problem("stack", "it is broken", "Mend it.")])
    )

    assert cli.main(["deploy"]) == 1

    assert (sam.builds, sam.deployments) == ([], [])
    said = capsys.readouterr()
    assert "Mend it." in said.out
    assert "1 of these would be in the way. Nothing was uploaded." in said.err


def test_only_to_look_builds_nothing_and_says_what_is_worth_deciding(
    sam: Sam, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["deploy", "--check"]) == 0

    assert (sam.builds, sam.deployments) == ([], [])
    assert "Instruments=IBM, ApiKeyParameterName=/stockstream/api-key, AlertEmail=(none)" in (
        capsys.readouterr().out.replace("\n", " ")
    )


def test_without_credentials_the_parameters_are_looked_at_all_the_same(
    sam: Sam, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    denied = SimpleNamespace(get_caller_identity=refuse("InvalidClientTokenId", "The token is invalid"))
    monkeypatch.setattr(boto3, "client", lambda _name: denied)

    assert cli.main(["deploy", "SmaWindows=1"]) == 1

    said = " ".join(capsys.readouterr().out.split())
    assert "AWS does not know these credentials" in said
    assert "SmaWindows is '1'" in said
    assert sam.builds == []


RELEASE = {
    "Action": "Modify",
    "LogicalResourceId": "ProducerFunction",
    "ResourceType": "AWS::Lambda::Function",
    "Replacement": "False",
}
REPLACED = {
    "Action": "Modify",
    "LogicalResourceId": "InstrumentTable",
    "ResourceType": "AWS::DynamoDB::Table",
    "Replacement": "True",
}


def test_what_was_asked_about_is_what_is_carried_out(sam: Sam, monkeypatch: pytest.MonkeyPatch) -> None:
    formation = Changing(RELEASE)
    with_formation(monkeypatch, formation)

    assert cli.main(["deploy", "--stack", "mine"]) == 0

    assert {"--no-execute-changeset", "--output", "json"} < set(sam.deployments[0])
    assert formation.done == [f"executed {CHANGE_SET}", "waited for stack_update_complete of mine"]


def test_what_holds_data_is_not_replaced_unless_somebody_says_so(
    sam: Sam, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    formation = Changing(RELEASE, REPLACED)
    with_formation(monkeypatch, formation)

    assert cli.main(["deploy", "--stack", "mine"]) == 1

    assert formation.done == [f"deleted {CHANGE_SET}"]
    said = capsys.readouterr()
    assert "InstrumentTable would be made anew, empty" in " ".join(said.out.split())
    assert "Data would be lost to the stack. Nothing was changed." in " ".join(said.err.split())

    assert cli.main(["deploy", "--stack", "mine", "--may-lose", "InstrumentTable"]) == 0
    assert formation.done[1:] == [f"executed {CHANGE_SET}", "waited for stack_update_complete of mine"]
    assert len(sam.deployments) == 2


def test_where_nothing_is_new_nothing_is_carried_out(
    sam: Sam, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    formation = Changing()
    with_formation(monkeypatch, formation)
    sam.said = {"status": "no_changes", "message": "No changes to deploy."}

    assert cli.main(["deploy", "--stack", "mine"]) == 0
    assert formation.done == []
    assert "Nothing is new: the stack is as it is." in capsys.readouterr().out


def test_a_sam_that_names_no_change_set_is_not_taken_for_done(
    sam: Sam, capsys: pytest.CaptureFixture[str]
) -> None:
    sam.said = {"status": "success"}

    assert cli.main(["deploy", "--stack", "mine"]) == 1
    assert "has not said which change set it has made" in " ".join(capsys.readouterr().err.split())


def test_a_change_that_fails_says_at_which_resource_and_why(
    sam: Sam, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_formation(monkeypatch, Changing(RELEASE, fails=True))

    assert cli.main(["deploy", "--stack", "mine"]) == 1
    assert sam.deployments
    said = capsys.readouterr().err
    assert "CloudFormation could not change mine:\n  BarStream: there are too many\n" in said
    # What was made before can be gone back to.
    assert "remove --stack" not in said


def test_a_first_deployment_that_failed_says_how_to_begin_anew(
    sam: Sam, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    formation = Changing(fails=True)
    with_formation(monkeypatch, formation)

    assert cli.main(["deploy", "--stack", "new"]) == 1
    assert sam.deployments
    assert formation.done[-1] == "waited for stack_create_complete of new"
    assert "stockstream remove --stack new --yes" in capsys.readouterr().err


def test_a_workflow_deploys_what_it_has_built_as_its_role_and_into_its_bucket(sam: Sam) -> None:
    sam.build()

    assert cli.main(["deploy", "--stack", "mine", "--built", "--bucket", "code", "--role", "arn:r"]) == 0

    assert sam.builds == []
    (command,) = sam.deployments
    told = ("--s3-bucket", "code", "--s3-prefix", "mine", "--role-arn", "arn:r")
    at = command.index("--s3-bucket")
    assert tuple(command[at : at + 6]) == told


def test_what_a_workflow_has_built_for_another_processor_is_not_uploaded(
    sam: Sam, capsys: pytest.CaptureFixture[str]
) -> None:
    sam.build()

    assert cli.main(["deploy", "--stack", "mine", "--built", "Architecture=x86_64"]) == 1
    assert sam.deployments == []
    assert "a.so is for arm64" in capsys.readouterr().out


# --- the list in a file


def with_list(text: str | None) -> Account:
    """A stack whose bucket has this file, or none."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="lake")
    if text is not None:
        s3.put_object(Bucket="lake", Key="instruments.txt", Body=text.encode())
    return NEW._replace(stack=Stack("mine", None, {"LakeBucketName": "lake"}))


@pytest.mark.parametrize(
    ("listed", "parameter", "is_needed"),
    [
        ("crypto:BTC/USD\n", "IBM", False),
        ("crypto:BTC/USD\nIBM\n", "crypto:BTC/USD", True),
        # Until there is a good line in a file, the parameter counts.
        ("# nothing yet\n", "IBM", True),
        ("# nothing yet\n", "crypto:BTC/USD", False),
        (None, "crypto:BTC/USD", False),
    ],
)
def test_the_key_is_needed_for_what_the_file_lists(
    listed: str | None, parameter: str, *, is_needed: bool
) -> None:
    of = with_list(listed)
    chosen = settings("Provider=alpaca", "InstrumentsFileEnabled=true", f"Instruments={parameter}")

    (found,) = examine_key(of, chosen, "")
    assert (found.level is Level.PROBLEM) is is_needed
    # Coins in the parameter would change nothing of what a file lists.
    assert "coins" not in found.remedy


def test_a_file_that_is_off_is_not_read() -> None:
    of = with_list("IBM\n")

    (found,) = examine_key(of, settings("Provider=alpaca", "Instruments=crypto:BTC/USD"), "")
    assert found.level is Level.GOOD


def test_a_file_that_is_no_text_is_told_and_the_parameter_is_asked_for() -> None:
    of = with_list("")
    boto3.client("s3").put_object(Bucket="lake", Key="instruments.txt", Body=b"\xff\xfe")

    told, found = examine_key(of, settings("InstrumentsFileEnabled=true"), "")
    assert (told.level, "no UTF-8 text" in told.words) == (Level.NOTE, True)
    assert found.level is Level.PROBLEM


def test_what_is_decided_is_said_to_be_in_the_file(sam: Sam, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["deploy", "--check", "InstrumentsFileEnabled=true"]) == 0

    assert sam.builds == []
    said = capsys.readouterr().out.replace("\n", " ")
    assert "and what instruments.txt lists in the place of Instruments" in said


def test_who_has_not_confirmed_keeps_nobody_from_deploying(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = problem("notices", "me@a.io is not confirmed", "Click on the link.")
    monkeypatch.setattr(deploy_command, "CHECKS", {"notices": lambda _stack: iter([waiting])})
    monkeypatch.setattr(deploy_command, "examine_names", lambda _account: iter([]))
    of = NEW._replace(stack=Stack("mine", None, {"NoticeTopicArn": "arn"}))

    *_, last = deploy_command.examine_all(values(*COINS.split()), of)

    assert last == note("notices", waiting.words, waiting.remedy)


@pytest.mark.parametrize("memory", ["1024", "1769"])
def test_a_list_is_held_against_what_is_to_be_deployed(monkeypatch: pytest.MonkeyPatch, memory: str) -> None:
    # 3,000 instruments take the 20 s of a whole processor, whatever was measured since.
    monkeypatch.setitem(PRODUCER_SECONDS, "alpaca", 0.0066)
    monkeypatch.setattr(deploy_command, "examine_names", lambda _account: iter([]))
    boto3.client("s3").create_bucket(Bucket="the-lake")
    names = "\n".join(f"crypto:A{number}/USD" for number in range(3_000))
    boto3.client("s3").put_object(Bucket="the-lake", Key="instruments.txt", Body=names.encode())
    of = NEW._replace(stack=Stack("mine", None, {"LakeBucketName": "the-lake"}))
    to_be = f"{COINS} InstrumentsFileEnabled=true StreamShards=2 ProducerMemory={memory}"

    told = [each for each in deploy_command.examine_all(values(*to_be.split()), of) if each.subject == "size"]

    words = "3,000 instruments want ProducerMemory=1769 or more, as docs/scaling.md counts"
    expected = [note("size", words, "make deploy ARGS='--stack mine ProducerMemory=1769'")]
    assert told == (expected if memory == "1024" else [])


def test_all_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    named = Named()
    with_formation(monkeypatch, Formation("CREATE_COMPLETE"), glue=named, athena=named, cloudwatch=named)
    put("/stockstream/api-key", "SECRET")
    put("/a/slack", "https://a.io")
    topic = boto3.client("sns").create_topic(Name="notices")["TopicArn"]
    of = NEW._replace(status="CREATE_COMPLETE", stack=Stack("mine", None, {"NoticeTopicArn": topic}))

    found = list(deploy_command.examine_all(values("AlertChannels=/a/slack"), of))

    assert [each.subject for each in found] == [
        "stack", "names", "parameters", "provider's key", "channel", "catalog", "notices",
    ]  # fmt: skip
    assert {each.level for each in found[:-1]} == {Level.GOOD}
    refused = deploy_command.examine_all(values("SmaWindows=1"), NEW)
    assert [each.subject for each in refused] == ["stack", "names", "parameters"]


# --- what was changed by hand


class Drifted(Changing):
    """CloudFormation with a stack of which some resources were changed by hand."""

    def __init__(self, *drifted: str, reason: str = "") -> None:
        super().__init__(*(RELEASE | {"LogicalResourceId": name} for name in drifted))
        self.reason = reason
        self.made: dict[str, Any] = {}

    def create_change_set(self, **asked: Any) -> dict[str, str]:
        self.made = asked
        return {"Id": CHANGE_SET}

    def get_waiter(self, name: str) -> Any:
        if name != "change_set_create_complete":
            return super().get_waiter(name)

        def wait(**_asked: Any) -> None:
            if not self.changes:
                raise WaiterError(name, "it failed", {})

        return SimpleNamespace(wait=wait)

    def describe_change_set(self, **_asked: str) -> dict[str, Any]:
        return {"StatusReason": self.reason}


def test_what_was_changed_by_hand_is_put_back_and_nothing_is_built(
    sam: Sam, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    formation = Drifted("ProducerRole", "BarDelivery")
    with_formation(monkeypatch, formation)

    assert cli.main(["deploy", "--stack", "mine", "--revert-drift"]) == 0

    assert formation.done == [f"executed {CHANGE_SET}", "waited for stack_update_complete of mine"]
    assert formation.made["DeploymentMode"] == "REVERT_DRIFT"
    assert formation.made["UsePreviousTemplate"] is True
    assert formation.made["Parameters"] == [{"ParameterKey": "LogLevel", "UsePreviousValue": True}]
    assert (sam.builds, sam.deployments) == ([], [])
    assert "Changed by hand: ProducerRole, BarDelivery." in capsys.readouterr().out


@pytest.mark.usefixtures("sam")
def test_what_holds_data_is_not_made_anew_in_order_to_put_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    formation = Drifted("InstrumentTable")
    formation.changes = (REPLACED,)
    with_formation(monkeypatch, formation)

    assert cli.main(["deploy", "--stack", "mine", "--revert-drift"]) == 1
    assert formation.done == [f"deleted {CHANGE_SET}"]


def test_where_nothing_was_changed_by_hand_nothing_is_done(
    sam: Sam, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    formation = Drifted(reason="The submitted information didn't contain changes.")
    with_formation(monkeypatch, formation)

    assert cli.main(["deploy", "--stack", "mine", "--revert-drift"]) == 0

    assert formation.done == [f"deleted {CHANGE_SET}"]
    assert "Nothing was changed by hand." in capsys.readouterr().out
    assert sam.builds == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--stack", "mine"], "cannot say what was changed by hand: it is broken"),
        (["--stack", "mine", "LogLevel=INFO"], "--revert-drift changes no parameter"),
        (["--stack", "other"], "There is no stack other"),
    ],
)
@pytest.mark.usefixtures("sam")
def test_what_cannot_be_put_back_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    formation = Drifted(reason="it is broken")
    with_formation(monkeypatch, formation)

    assert cli.main(["deploy", "--revert-drift", *arguments]) == 1

    assert said in " ".join(capsys.readouterr().err.split())
    assert formation.done == []
