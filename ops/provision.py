"""Add, end and remove recipients on a running broker, write connection files, write definitions for a broker's boot.

Nobody gets credentials without a public key and the two papers in force: there is no way round a `Registration`.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from ops.accounts import Accounts
from ops.broker import Broker, all_definitions, running_broker
from ops.definitions import recipient_definitions
from ops.errors import OpsError, RegistrationInvalid, report
from ops.gate import Gate
from ops.management import in_path
from ops.operator_file import operator_file_of, read_operator_file
from ops.recipient import Registration, public_key, read_public_key, read_registration, recipient_id
from ops.run_folder import stage_path, write_private
from shared.topology import GATE, Version


def add_recipient(
    broker: Broker, registration: Registration, *, gate_public_key: Mapping[str, object], folder: Path
) -> Path:
    """Give a recipient its vhost and account on a running broker; return its connection file. Again changes nothing."""
    name = registration.recipient_id
    public_key(gate_public_key, field="gate_public_key")  # before anything is made
    broker.declare(recipient_definitions(name, version=broker.version, password=broker.accounts.password))
    return write_connection(broker, registration, gate_public_key=gate_public_key, folder=folder)


def remove_recipient(broker: Broker, name: str, *, folder: Path) -> bool:
    """Take account, vhost and connection file away; say whether any was there. Unopened notices go with the vhost."""
    recipient_id(name)
    # The account first: deleting it ends its connections, clearing permissions would leave its consumers running.
    had_account = broker.admin.delete(f"/api/users/{in_path(name)}")
    had_vhost = broker.admin.delete(f"/api/vhosts/{in_path(name)}")
    broker.accounts.forget(name)
    connection_file(folder, name).unlink(missing_ok=True)
    return had_account or had_vhost


def write_connection(
    broker: Broker, registration: Registration, *, gate_public_key: Mapping[str, object], folder: Path
) -> Path:
    """Write all that a recipient needs from us into one file; its private key never was here."""
    name = registration.recipient_id
    connection = {
        "recipient_id": name,
        "broker_url": broker.amqp_url(account=name, vhost=name),
        "account": name,
        "gate_public_key": dict(public_key(gate_public_key, field="gate_public_key")),
    }
    path = connection_file(folder, name)
    write_private(path, json.dumps(connection, indent=2) + "\n")
    return path


def connection_file(folder: Path, name: str) -> Path:
    """Return where the connection file of a recipient lies."""
    return folder / f"{name}.connection.json"


def main(arguments: Sequence[str]) -> int:
    """Run one command; errors are one line that names the field."""
    said = _parser().parse_args(arguments)
    try:
        said.run(said)
    except OpsError as error:
        return report(error)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops.provision", description=__doc__)
    commands = parser.add_subparsers(required=True)
    definitions = commands.add_parser("definitions", help="write the file that a broker loads at boot")
    definitions.add_argument("registrations", nargs="*", type=Path, help="registration files of the first recipients")
    definitions.add_argument("--accounts", type=Path, required=True, help="file that keeps the passwords")
    definitions.add_argument("--output", type=Path, required=True, help="where the definitions go")
    definitions.add_argument(
        "--broker-version", type=_version, default="4.1.0", help="version of the broker that will load it"
    )
    definitions.set_defaults(run=_definitions)
    add = commands.add_parser("add-recipient", help="register at the gate; vhost, account and connection file")
    add.add_argument("registration", type=Path, help="the registration file (docs/operations.md, Recipients)")
    add.add_argument("--gate-key", type=Path, help="public key of the gate (JWK); with --gate it is asked for it")
    add.set_defaults(run=_add)
    end = commands.add_parser("end-recipient", help="end it at the gate, then do what remove-recipient does")
    end.add_argument("recipient_id")
    end.set_defaults(run=_end)
    remove = commands.add_parser("remove-recipient", help="end its connections; delete account and vhost")
    remove.add_argument("recipient_id")
    remove.set_defaults(run=_remove)
    for command in (add, end, remove):
        command.add_argument("--stage", default="demo", help="whose broker, if no URL is set (default: demo)")
        command.add_argument("--folder", type=Path, help="where connection files lie (default: the stage's folder)")
        command.add_argument("--gate", metavar="URL", required=command is end, help="where the consent service answers")
        command.add_argument("--token-file", type=Path, metavar="F", help="file with the operator's token, for --gate")
    return parser


def _definitions(said: argparse.Namespace) -> None:
    names = [read_registration(path, today=_today()).recipient_id for path in said.registrations]
    definitions = all_definitions(Accounts(said.accounts), names, version=said.broker_version, with_provisioner=True)
    write_private(said.output, json.dumps(definitions, indent=2) + "\n")


def _add(said: argparse.Namespace) -> None:
    stage, gate = stage_path(said.stage), _gate(said)
    registered = read_registration(said.registration, today=_today())
    if said.gate_key is None and gate is None:
        raise RegistrationInvalid(
            "gate_public_key", "is missing: name its file with --gate-key, or the gate with --gate"
        )
    broker = running_broker(stage)
    key = read_public_key(said.gate_key, field="gate_public_key") if said.gate_key else _asked_for(gate)
    if gate is not None:
        gate.register(registered)  # first: whom the gate refuses gets no account
    path = add_recipient(broker, registered, gate_public_key=key, folder=said.folder or stage)
    print(f"added {registered.recipient_id}; hand over {path}")
    if gate is None:
        print(
            "the gate was not told; unless it is registered there already, it is sent nothing: register it there too,"
            " or give --gate",
            file=sys.stderr,
        )


def _end(said: argparse.Namespace) -> None:
    stage, gate = stage_path(said.stage), _gate(said)
    recipient_id(said.recipient_id)
    broker = running_broker(stage)
    if gate is not None:
        gate.end(said.recipient_id)  # first: from its reply on nothing is opened, whatever becomes of the rest
    remove_recipient(broker, said.recipient_id, folder=said.folder or stage)
    print(f"ended {said.recipient_id}; it opens nothing, and its connections are closed")


def _remove(said: argparse.Namespace) -> None:
    stage, name = stage_path(said.stage), recipient_id(said.recipient_id)
    broker = running_broker(stage)
    state = _state_at_the_gate(said, name)
    if remove_recipient(broker, name, folder=said.folder or stage):
        print(f"removed {name}; its connections are closed")
    else:
        print(f"there was no account {name}; nothing to remove")
    if state not in (None, "ended"):
        print(
            f"warning: the gate was not told (state there: {state}); answers towards it still stand."
            " End it there as well: end-recipient does both",
            file=sys.stderr,
        )


def _state_at_the_gate(said: argparse.Namespace, name: str) -> str | None:
    """Ask the gate that was named, or that of a running stage; another one is not known here."""
    gate = _gate(said)
    try:
        if gate is None:
            operator = read_operator_file(operator_file_of(said.stage))
            gate = Gate(operator.services[GATE], operator.token)
        return gate.state(name)
    except (OpsError, KeyError):
        if _gate(said) is not None:
            raise
        return "not known here"


def _gate(said: argparse.Namespace) -> Gate | None:
    if said.gate is None:
        return None
    if said.token_file is None:
        raise RegistrationInvalid("token_file", "is missing: --gate needs the operator's token")
    return Gate.reached(said.gate, said.token_file)


def _asked_for(gate: Gate | None) -> Mapping[str, object]:
    return gate.public_key() if gate is not None else {}


def _today() -> date:
    return datetime.now(UTC).date()


def _version(text: str) -> Version:
    try:
        return tuple(int(number) for number in text.split("."))
    except ValueError:
        raise argparse.ArgumentTypeError("must be a version like 4.1.0") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
